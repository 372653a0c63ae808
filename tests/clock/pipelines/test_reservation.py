"""What is reserved modulo a period: against a table of every picosecond."""

from random import Random

import pytest

from cimc.clock.pipelines.reservation import Circle, Sets


def _earliest(table: list[int], start: int, duration: int, most: int) -> int | None:
    """How much later than `start` no time of a stretch is reserved `most` times."""
    period = len(table)
    for wait in range(period):
        counts = [0] * period
        for time in range(start + wait, start + wait + duration):
            counts[time % period] += 1
        if all(count + table[time] <= most for time, count in enumerate(counts) if count):
            return wait
    return None


@pytest.mark.parametrize("sets", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_room_is_found_where_there_is_some(seed: int, sets: int) -> None:
    random, period = Random(seed), 23
    table, books = [0] * period, Sets.of(period, sets)
    for _ in range(40):
        start, duration = random.randrange(100), random.randint(0, period if sets == 1 else 2 * period)
        wait = books.wait(start, duration)
        assert wait == (0 if not duration else _earliest(table, start, duration, sets))
        if wait is not None and random.random() < 0.5:
            books.add(start + wait, duration)
            for time in range(start + wait, start + wait + duration):
                table[time % period] += 1


def test_what_is_given_back_is_free_again() -> None:
    circle = Circle(10)
    circle.add(8, 4)
    circle.add(4, 2)
    assert circle.wait(7, 3) is None
    assert circle.wait(9, 2) == 3
    assert circle.idle(7) == 1
    assert circle.idle(3) == 1
    circle.remove(9, 2)
    assert (circle.starts, circle.ends) == ([1, 4, 8], [2, 6, 9])
    assert circle.wait(7, 3) is None
    assert circle.wait(7, 2) == 2
    assert circle.wait(9, 2) == 0
    circle.remove(11, 1)
    circle.remove(4, 2)
    circle.remove(8, 1)
    assert circle.starts == []
    assert circle.idle(3) == 10


def test_what_is_longer_than_the_period_has_no_room() -> None:
    assert Circle(10).wait(0, 11) is None
    assert Sets.of(10, 2).wait(3, 20) == 0
    assert Sets.of(10, 2).wait(3, 21) is None
