"""Units: the most urgent first, and nothing idles that could be of use."""

from passes.schedule_arrays.analysis.units import Units


def units(count: int, *works: tuple[str, int, int, int], first: int = 0) -> Units[str]:
    """So many units, and works (name, path, units, duration) that wait for them."""
    made: Units[str] = Units(first, count)
    for name, path, needed, duration in works:
        made.add(path, needed, duration, name)
    return made


def test_the_longest_path_goes_first() -> None:
    some = units(1, ("short", 10, 1, 5), ("long", 20, 1, 5), first=4)
    assert some.begin(0) == [("long", (4,))]
    assert some.begin(4) == []
    assert some.begin(5) == [("short", (4,))]


def test_of_equals_the_one_that_came_first() -> None:
    some = units(1, ("first", 10, 1, 5), ("second", 10, 1, 5))
    assert some.begin(0) == [("first", (0,))]


def test_several_units_begin_together() -> None:
    some = units(3, ("two", 20, 2, 5), ("three", 10, 3, 5))
    assert some.begin(0) == [("two", (0, 1))]
    assert some.begin(5) == [("three", (0, 1, 2))]


def test_gaps_are_filled_without_delay() -> None:
    """Two units until 10, one free: what ends before may run, what does not would keep the urgent work waiting."""
    some = units(3, ("two", 30, 2, 10), ("all", 20, 3, 5), ("late", 15, 1, 11), ("early", 10, 1, 10))
    assert some.begin(0) == [("two", (0, 1)), ("early", (2,))]
    assert some.begin(10) == [("all", (0, 1, 2))]
    assert some.begin(15) == [("late", (0,))]


def test_gaps_beside_the_most_urgent_are_filled() -> None:
    some = units(3, ("two", 30, 2, 10), ("pair", 20, 2, 5), ("long", 15, 1, 99))
    assert some.begin(0) == [("two", (0, 1)), ("long", (2,))]
    assert some.begin(10) == [("pair", (0, 1))]


def test_units_that_are_not_needed_cost_nothing() -> None:
    some = units(10**12, ("one", 1, 1, 1), ("two", 1, 2, 1))
    assert some.begin(0) == [("one", (0,)), ("two", (1, 2))]
