"""Shares of cells and of time, by array or counted."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.report.figures import utilization
from cimc.report.figures.figure import Panel
from cimc.report.figures.utilization import BARS, busy_shares, cells_used, time_busy
from cimc.report.study import Study

Rows = Callable[[Panel, str], list[dict[str, str]]]


def test_cells(study: Study, rows: Rows) -> None:
    """Together they are the utilisation of the report."""
    (panel,) = cells_used([study]).panels
    shares = [float(row["share"]) for row in rows(panel, "share")]
    assert len(shares) == study.report.arrays
    assert np.isclose(np.mean(shares) / 100, study.report.utilization, atol=1e-3)


def test_time(study: Study, rows: Rows) -> None:
    assert study.timeline is not None
    (panel,) = time_busy([study]).panels
    shares = [float(row["share"]) / 100 for row in rows(panel, "share")]
    assert np.allclose(shares, busy_shares(study), atol=1e-4)
    planes, conversions = 8, 4
    assert all(0 < share < 1 for share in shares)
    first = next(a for a in study.timeline.activations if a.array == 0 and a.columns == conversions)
    assert first.planes == planes


def test_many_arrays_are_counted(big_study: Study, rows: Rows) -> None:
    for figure in (cells_used, time_busy):
        (panel,) = figure([big_study]).panels
        assert sum(int(row["arrays"]) for row in rows(panel, "arrays")) == 4608 > BARS
        assert panel.notes == ("4,608 arrays are too many to draw one by one: they are counted by their share.",)


def test_shares_that_are_rounded_up_are_counted(big_study: Study, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """All arrays work for 1.008 %, which is 1.01 % rounded, more than the end of the scale."""

    def shares(study: Study) -> NDArray[np.float64]:
        return np.full(len(study.program.arrays), 0.01008)

    monkeypatch.setattr(utilization, "busy_shares", shares)
    (panel,) = time_busy([big_study]).panels
    counted = [int(row["arrays"]) for row in rows(panel, "arrays")]
    assert counted == [0] * 19 + [4608]


def test_several_programs_have_one_scale(study: Study, big_study: Study) -> None:
    figure = time_busy([study, study])
    domains = [panel.spec()["encoding"]["y"]["scale"]["domain"] for panel in figure.panels]
    assert domains[0] == domains[1] == [0, 100 * busy_shares(study).max()]
