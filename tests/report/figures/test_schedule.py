"""The Gantt chart: a bar for each event, in the lane of its array or unit."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import vl_convert

from cimc.report.figures import schedule as module
from cimc.report.figures.figure import VEGA_LITE, Panel
from cimc.report.figures.schedule import schedule
from cimc.report.figures.time_axis import LANES, NO_TIMES, latest
from cimc.report.study import Study
from cimc.report.timeline import Event, Resource

Rows = Callable[[Panel, str], list[dict[str, str]]]


def test_every_event_has_a_bar(study: Study) -> None:
    assert study.timeline is not None
    (panel,) = schedule([study]).panels
    found = [(resource, int(unit), float(start), float(end)) for resource, unit, start, end in plain(panel)]
    expected = [
        (str(e.resource), e.unit, e.start_ps / 1e6, e.end_ps / 1e6)
        for e in study.timeline.events
        if e.resource is not Resource.STAGE
    ]
    assert found == sorted(expected)
    assert not [note for note in panel.notes if note.startswith("Only")]


def plain(panel: Panel) -> list[tuple[str, str, str, str]]:
    """Resource, unit, start and end of each bar, in order."""
    found: list[tuple[str, str, str, str]] = []
    for text in panel.spec()["datasets"].values():
        table = list(csv.DictReader(io.StringIO(text)))
        if table and "top" in table[0]:
            found += [(row["resource"], row["unit"], row["start"], row["end"]) for row in table]
    return sorted(found, key=lambda row: (row[0], int(row[1]), float(row[2]), float(row[3])))


def test_parts_of_an_activation_share_a_lane(study: Study, rows: Rows) -> None:
    assert study.timeline is not None
    whole = next(e for e in study.timeline.events if e.resource is Resource.ARRAY)
    events = (replace(whole, part=0, parts=2), replace(whole, part=1, parts=2))
    (panel,) = schedule([replace(study, timeline=replace(study.timeline, events=events))]).panels
    first, second = ((float(row["top"]), float(row["bottom"])) for row in rows(panel, "top"))
    assert 0 < first[0] < first[1] == second[0] < second[1] < 1


def test_programs_have_one_scale_of_time(study: Study) -> None:
    assert study.timeline is not None
    slow = replace(study, timeline=replace(study.timeline, end_ps=3 * study.timeline.end_ps))
    assert latest([study, slow]) == 3 * study.timeline.end_ps / 1e6
    domains = [p.spec()["layer"][0]["encoding"]["x"]["scale"]["domain"] for p in schedule([study, slow]).panels]
    assert domains == [[0, latest([slow])]] * 2


def test_large_programs_are_drawn_in_part(big_study: Study, rows: Rows) -> None:
    (panel,) = schedule([big_study]).panels
    lanes = {row[1] for row in plain(panel) if row[0] == "array"}
    assert len(lanes) == LANES
    assert panel.notes[0] == f"Only {LANES} of 4,608 arrays are drawn, evenly chosen."


def test_too_many_bars(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MARKS", 10)
    (panel,) = schedule([study]).panels
    assert len(plain(panel)) == 10
    assert panel.notes[0].startswith("Only 1 of ")
    assert panel.notes[1].startswith("Only the first 10 of ")


def test_a_latency_for_other_sizes(study: Study) -> None:
    """What the schedule takes and what the summary says are told apart."""
    assert study.timeline is not None
    own = study.timeline.end_ps / 1000
    for latency, told in ((own, False), (2 * own, True), (None, False)):
        report = replace(study.report, latency_ns={**study.report.latency_ns, "total": latency})
        (panel,) = schedule([replace(study, report=report)]).panels
        assert any(note.startswith("The schedule takes ") for note in panel.notes) == told


def test_attention_units_have_lanes(study: Study) -> None:
    """Between the digital units and the arrays; what belongs to no layer has the colour of its unit."""
    assert study.timeline is not None
    event = Event(Resource.ATTENTION, 0, 1000, 2000, "MatMul", "scores")
    events = (*study.timeline.events, event)
    (panel,) = schedule([replace(study, timeline=replace(study.timeline, events=events))]).panels
    assert ("attention unit", "0", "0.001", "0.003") in plain(panel)
    names = panel.spec()["layer"][1]["encoding"]["y"]["axis"]["labelExpr"]
    assert '"digital unit 0", "attention unit 0", "0", ' in names


def test_stages_that_overlap_have_lanes(study: Study) -> None:
    """Above all others; stages that follow each other are columns behind the lanes."""
    assert study.timeline is not None
    stages = [Event(Resource.STAGE, unit, unit * 1000, 5000, f"stage {unit}", "", unit) for unit in range(2)]
    events = (*stages, *(e for e in study.timeline.events if e.resource is not Resource.STAGE))
    (panel,) = schedule([replace(study, timeline=replace(study.timeline, events=events))]).panels
    assert [row[1:] for row in plain(panel) if row[0] == "stage"] == [("0", "0.0", "0.005"), ("1", "0.001", "0.006")]
    assert '["stages", "stages", ' in panel.spec()["layer"][1]["encoding"]["y"]["axis"]["labelExpr"]
    (usual,) = schedule([study]).panels
    assert not [row for row in plain(usual) if row[0] == "stage"]


def test_without_times(study: Study) -> None:
    assert schedule([replace(study, timeline=None)]).panels[0].notes == (NO_TIMES,)


def test_lanes_of_a_few_pixels_keep_their_colours(study: Study) -> None:
    """An edge in the colour of the page, which takes the colour of thin bars away, is for those with room for it."""
    assert study.timeline is not None
    array = next(e.unit for e in study.timeline.events if e.resource is Resource.ARRAY)
    end = study.timeline.end_ps
    events = tuple(
        Event(Resource.ARRAY, array, i * end // 4, duration, "MatMul", "", layer=0, part=0, parts=parts)
        for i, (duration, parts) in enumerate(((end // 5, 1), (end // 5, 8), (end // 400, 1), (end // 4000, 1)))
    )
    (panel,) = schedule([replace(study, timeline=replace(study.timeline, events=events))]).panels
    svg = vl_convert.vegalite_to_svg(panel.spec(), vl_version=VEGA_LITE)
    bars = re.findall(rf'fill="{study.colors[0]}"[^>]* stroke="(#\w+)" stroke-width="([\d.]+)"', svg)
    own = study.colors[0]
    assert bars == [("#ffffff", "0.4"), (own, "0"), (own, "0"), (own, "0.8")]


def test_arrays_that_are_programmed_have_bars_in_their_lanes(reloaded_study: Study) -> None:
    figure = schedule([reloaded_study])
    assert figure.text.endswith("a bar of a colour of its own while they are programmed.")
    (panel,) = figure.panels
    tables = [list(csv.DictReader(io.StringIO(text))) for text in panel.spec()["datasets"].values()]
    bars = [row for table in tables if table and "top" in table[0] for row in table]
    tops = {(row["resource"], row["unit"]): int(float(row["top"])) for row in bars}
    assert [tops["programming", str(array)] for array in range(12)] == [tops["array", str(i)] for i in range(12)]
