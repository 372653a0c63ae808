"""Bars that nobody could tell apart become one, and no more than that."""

from dataclasses import replace

import pytest

from cimc.report.figures.joined_bars import SEVERAL, joined
from cimc.report.timeline import Event, Resource

FIRST = Event(Resource.DIGITAL, 0, 0, 10, "adds", "fc", 3, 7)


def row(count: int, pitch: int) -> list[Event]:
    return [replace(FIRST, start_ps=i * pitch) for i in range(count)]


def test_few_events_stay_as_they_are() -> None:
    events = row(100, 11)
    assert (joined(events, 100).events, joined(events, 100).gap_ps) == (events, 0)


def test_neighbours_become_one() -> None:
    bars = joined(row(100, 11), 99)
    assert bars.events == [replace(FIRST, duration_ps=99 * 11 + 10, does="adds, and 99 more")]
    assert bars.gap_ps == 1


def test_the_gap_grows_until_they_are_few() -> None:
    events = row(10, 11) + [replace(event, start_ps=event.start_ps + 5000) for event in row(10, 25)]
    assert [len(joined(events, most).events) for most in (20, 19, 11, 10, 2, 1)] == [20, 11, 11, 2, 2, 1]


@pytest.mark.parametrize(
    "change", [{"unit": 1}, {"layer": 8}, {"stage": 4}, {"resource": Resource.ATTENTION}, {"part": 1}]
)
def test_what_does_not_belong_together(change: dict[str, int]) -> None:
    other = replace(FIRST, start_ps=10, **change)
    assert joined([FIRST, other], 1).events == [FIRST, other]


def test_operators_of_several_nodes() -> None:
    operator = Event(Resource.DIGITAL, 0, 0, 5, "Add", "one", None, None)
    (bar,) = joined([operator, replace(operator, start_ps=5, node="two")], 1).events
    assert (bar.node, bar.end_ps) == (SEVERAL, 10)
