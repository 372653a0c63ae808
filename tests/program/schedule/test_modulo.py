"""Repeated uses of resources, against counting them picosecond by picosecond (S17)."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from cimc.program.errors import ProgramError
from cimc.program.schedule import modulo
from cimc.program.schedule.modulo import Uses, first_excess

Use = tuple[int, int, int, int, int]
"""Resource, start, duration, copies, copy."""


def table(*uses: Use) -> Uses:
    return Uses(*np.array(uses, np.int64).reshape(-1, 5).T)


def counted(uses: list[Use], interval: int, tokens: int = 60) -> Counter[tuple[int, int]]:
    """How often each resource is used in each picosecond, by so many tokens."""
    load: Counter[tuple[int, int]] = Counter()
    for token in range(tokens):
        for resource, start, duration, copies, copy in uses:
            if token % copies == copy:
                load.update((resource, token * interval + start + i) for i in range(duration))
    return load


@pytest.mark.parametrize("seed", range(300))
def test_as_counted(seed: int) -> None:
    random = Random(seed)
    uses: list[Use] = []
    for _ in range(random.randint(0, 6)):
        copies = random.choice([1, 1, 2, 3, 4])
        start, duration = random.randint(0, 40), random.choice([0, 1, 3, random.randint(0, 30)])
        uses.append((random.randrange(2), start, duration, copies, random.randrange(copies)))
    interval, limit = random.randint(1, 20), random.randint(1, 3)
    load = counted(uses, interval)
    excess = first_excess(table(*uses), interval, limit)
    assert bool(excess) == (max(load.values(), default=0) > limit)
    resources = {uses[i][0] for i in excess}
    assert resources <= {min(resource for (resource, _), count in load.items() if count > limit)} if excess else True


@pytest.mark.parametrize(
    ("uses", "limit", "expected"),
    [
        ([(3, 0, 6, 1, 0), (3, 8, 2, 1, 0), (3, 16, 1, 1, 0)], 1, []),
        ([(3, 0, 6, 1, 0), (3, 8, 2, 1, 0), (3, 15, 1, 1, 0)], 1, [0, 2]),  # 15 is 5 of the next token
        ([(3, 9, 2, 1, 0), (3, 0, 1, 1, 0)], 1, [0, 1]),  # over the end of the interval
        ([(3, 0, 11, 1, 0)], 1, [0]),
        ([(3, 0, 10, 1, 0)], 1, []),
        ([(3, 0, 11, 1, 0)], 2, []),
        ([(3, 0, 30, 1, 0)], 2, [0]),
        ([(3, 0, 20, 2, 0)], 1, []),
        ([(3, 0, 20, 2, 1), (3, 0, 1, 2, 0)], 1, [0, 1]),
        ([(3, 0, 15, 2, 1), (3, 6, 4, 2, 0)], 1, []),
        ([(0, 0, 5, 4, 3), (0, 5, 5, 1, 0)], 1, []),
        ([(0, 0, 6, 4, 3), (0, 5, 5, 1, 0)], 1, [0, 1]),
        ([(0, 0, 0, 1, 0), (0, 0, 10, 1, 0)], 1, []),
    ],
)
def test_who_is_in_each_others_way(uses: list[Use], limit: int, expected: list[int]) -> None:
    assert first_excess(table(*uses), 10, limit) == expected


def test_more_uses_than_can_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resource of a weight with many copies repeats after as many intervals, and all else with it."""
    monkeypatch.setattr(modulo, "MOST_USES", 4)
    uses = [(0, 0, 1, 4, 0), (0, 1, 1, 1, 0)]
    assert first_excess(table(*uses[:1] * 4), 10, 9) == []
    with pytest.raises(ProgramError) as error:
        first_excess(table(*uses), 10, 9)
    assert str(error.value) == "arrays, units or links are used 5 times in a period, expected at most 4"
