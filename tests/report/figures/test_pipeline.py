"""The picture of many tokens."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from cimc.options.conditions import Conditions
from cimc.report.figures.figure import Panel
from cimc.report.figures.pipeline import Use, pipeline, unit_name, uses_of
from cimc.report.report import report_of
from cimc.report.study import Study

Rows = Callable[[Panel, str], list[dict[str, str]]]


def test_tokens_do_the_same_an_interval_apart(study: Study, rows: Rows) -> None:
    schedule = study.report.pipeline
    assert schedule is not None
    (panel,) = pipeline([study]).panels
    found = {(row["on"], int(row["token"]), round(float(row["start"]) * 1e6)) for row in rows(panel, "token")}
    assert len({token for _, token, _ in found}) > 3
    for use in uses_of(study, schedule):
        if use.start == min(other.start for other in uses_of(study, schedule) if other.lane == use.lane):
            own = [(token, start) for lane, token, start in found if lane == use.lane]
            assert any(start == use.start + token * schedule.interval_ps for token, start in own)
    assert "One token every" in panel.notes[0]
    assert "in flight" in panel.notes[0]


def test_bars_of_a_lane_do_not_overlap(study: Study, rows: Rows) -> None:
    (panel,) = pipeline([study]).panels
    lanes: dict[str, list[tuple[float, float]]] = {}
    for row in rows(panel, "token"):
        lanes.setdefault(row["on"], []).append((float(row["start"]), float(row["end"])))
    for spans in lanes.values():
        ordered = sorted(spans)
        assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(ordered))


def test_an_estimate_has_no_picture_but_a_reason(study: Study) -> None:
    estimate = replace(study, report=report_of(study.program, Conditions({"n": 3})))
    (panel,) = pipeline([estimate]).panels
    assert panel.chart is None
    assert panel.notes == ("Many tokens: an estimate, no schedule: a run has 3 tokens at once.",)


def test_units_are_numbered_by_kind() -> None:
    assert (unit_name(1, 2), unit_name(2, 2)) == ("digital unit 1", "attention unit 0")
    assert Use("array 0", 0, 1).copies == 1
