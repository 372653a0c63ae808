"""How many arrays work at each moment."""

from collections.abc import Callable
from dataclasses import replace

from cimc.report.figures.activity import activity, steps
from cimc.report.figures.figure import Panel
from cimc.report.study import Study
from cimc.report.timeline import Event, Resource, Timeline

Rows = Callable[[Panel, str], list[dict[str, str]]]


def test_steps() -> None:
    def array(unit: int, start: int, duration: int, part: int = 0) -> Event:
        return Event(Resource.ARRAY, unit, start, duration, "", part=part, parts=2)

    transfer = Event(Resource.INTERCONNECT, 0, 0, 9_000_000, "")
    events = (array(0, 0, 2_000_000), array(0, 0, 2_000_000, 1), array(1, 1_000_000, 1_000_000), transfer)
    assert steps(Timeline(events, (), 0, 9_000_000)) == [(0.0, 0), (0.0, 1), (1.0, 2), (2.0, 0)]


def test_the_chart(study: Study, rows: Rows) -> None:
    """It ends with nothing at work, and never shows more arrays than there are."""
    (panel,) = activity([study]).panels
    counts = [int(row["arrays"]) for row in rows(panel, "arrays")]
    assert counts[-1] == 0
    assert 0 < max(counts) <= study.report.arrays
    assert panel.spec()["encoding"]["y"]["scale"]["domain"] == [0, study.report.arrays]
    assert activity([replace(study, timeline=None)]).panels[0].chart is None


def test_arrays_that_are_programmed_have_an_area_of_their_own(reloaded_study: Study) -> None:
    """No more than the chip has, which are fewer than the program has numbers of."""
    figure = activity([reloaded_study])
    assert figure.text.endswith("arrays that are programmed: weights pass through the chip in parts.")
    programmed, working = figure.panels[0].spec()["layer"]
    for layer in (programmed, working):
        assert layer["encoding"]["y"]["scale"]["domain"] == [0, 4]
    assert reloaded_study.timeline is not None
    assert [number for _, number in steps(reloaded_study.timeline, Resource.PROGRAMMING)] == [0, *[4, 0] * 3]
