"""Reservations for tokens that take turns."""

import itertools
from random import Random

import pytest

from cimc.clock.pipelines.turns import Uses


@pytest.mark.parametrize("seed", range(6))
def test_copies_keep_out_of_each_others_way(seed: int) -> None:
    """All uses of the tokens of two periods, one after the other in time."""
    random, interval, most = Random(seed), 12, 12
    uses, taken = Uses(interval, most), list[tuple[int, int, int, int]]()
    for _ in range(12):
        copies = random.choice([1, 2, 3, 4])
        use = random.randrange(40), random.randint(1, 9), copies, random.randrange(copies)
        wait = uses.wait(*use)
        if wait is None:
            continue
        taken.append((use[0] + wait, *use[1:]))
        uses.add(*taken[-1])
        if random.random() < 0.3:
            uses.remove(*taken.pop())
    assert len(taken) > 1
    for one_token in (False, True):
        spans = sorted(
            (start + token * interval, start + token * interval + duration)
            for start, duration, copies, copy in taken
            for token in ([0] if one_token else range(24))
            if one_token or token % copies == copy
        )
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_one_copy_works_longer_than_an_interval() -> None:
    uses = Uses(10, 2)
    assert uses.wait(0, 15, 2, 0) == 0
    uses.add(0, 15, 2, 0)
    assert uses.wait(15, 5, 2, 0) == 0
    assert uses.wait(0, 6, 2, 1) is None
    assert uses.wait(0, 5, 2, 1) == 25
    assert uses.wait(0, 11, 1, 0) is None
    assert Uses(10, 1).idle(3) == 10


def test_what_is_reserved_ahead_has_no_place_on_the_line_of_a_token() -> None:
    uses = Uses(10, 2)
    uses.add(0, 4, ahead=True)
    assert uses.wait(2, 3) == 2  # in the same period
    assert uses.clash(0, 4) == 0
    uses.settle(30, 4)
    assert uses.clash(28, 4) == 6
    assert uses.wait(4, 3, 2, 1) == 0
    assert uses.wait(24, 6, ahead=True) == 0
    assert uses.wait(24, 6) == 0
    assert Uses(10, 1).clash(3, 4) == 0
    uses.remove(0, 4, ahead=True)
    assert uses.wait(2, 3) == 0
