"""The ADCs of one array: activations with what the chart makes lanes of."""

from collections.abc import Callable

import pytest

from cimc.report.figures import converters as module
from cimc.report.figures.converters import converters
from cimc.report.figures.figure import Panel
from cimc.report.figures.time_axis import LANES, working
from cimc.report.study import Study

Rows = Callable[[Panel, str], list[dict[str, str]]]


def test_activations(study: Study, rows: Rows) -> None:
    assert study.timeline is not None
    (panel,) = converters([study]).panels
    found = rows(panel, "planes")
    assert len(found) == len(study.timeline.activations)
    for row, activation in zip(found, study.timeline.activations, strict=True):
        assert int(row["array"]) == activation.array
        assert float(row["start"]) == activation.start_ps / 1e6
        assert (int(row["columns"]), int(row["bits"])) == (activation.columns, activation.bits)


def test_the_array_that_works_longest_is_shown_first(study: Study) -> None:
    assert study.timeline is not None
    (panel,) = converters([study]).panels
    choice = next(p for p in panel.spec()["params"] if p["name"] == "array")
    busy = working(study.timeline)
    assert busy[choice["value"]] == max(busy.values())
    assert choice["bind"]["options"] == list(busy)


def test_large_programs(big_study: Study, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    (panel,) = converters([big_study]).panels
    assert panel.notes == (f"{LANES} of 4,608 arrays can be chosen.",)
    monkeypatch.setattr(module, "MOST_MARKS", 100)
    (panel,) = converters([big_study]).panels
    assert len(rows(panel, "planes")) <= 100
