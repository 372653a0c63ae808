"""What time goes into; the parts are the whole."""

from collections.abc import Callable

from cimc.report.figures.components import time_of_parts, time_parts
from cimc.report.figures.figure import Panel
from cimc.report.study import Study
from cimc.report.timeline import Event, Resource, Timeline

Rows = Callable[[Panel, str], list[dict[str, str]]]


def test_each_moment_counts_once() -> None:
    """Arrays before digital units before transfers."""
    events = (
        Event(Resource.INTERCONNECT, 0, 0, 2_000_000, ""),
        Event(Resource.ARRAY, 0, 1_000_000, 3_000_000, ""),
        Event(Resource.ARRAY, 1, 2_000_000, 1_000_000, ""),
        Event(Resource.DIGITAL, 0, 3_000_000, 3_000_000, ""),
        Event(Resource.STAGE, 0, 0, 9_000_000, ""),
    )
    assert time_of_parts(Timeline(events, (), 0, 9_000_000)) == {
        Resource.ARRAY: 3.0,
        Resource.DIGITAL: 2.0,
        Resource.INTERCONNECT: 1.0,
        None: 3.0,
    }


def test_the_chart(study: Study, rows: Rows) -> None:
    assert study.timeline is not None
    (panel,) = time_parts([study]).panels
    found = rows(panel, "part")
    assert abs(float(found[-1]["end"]) - study.timeline.end_ps / 1e6) < 1e-9
    assert abs(sum(float(row["share"]) for row in found) - 100) < 1e-6
    assert found[0]["part"] == "arrays at work"


def test_time_in_which_arrays_are_programmed(reloaded_study: Study) -> None:
    assert reloaded_study.timeline is not None
    assert time_of_parts(reloaded_study.timeline)[Resource.PROGRAMMING] == 3 * 0.08
