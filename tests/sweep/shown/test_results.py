"""Results as a table: settings first, the same columns for all points, whatever became of them."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.compiler import Options
from cimc.sweep.grid import Grid
from cimc.sweep.points import points_of
from cimc.sweep.run import Sweep
from cimc.sweep.shown.results import rows_of, varying_settings, write_csv
from cimc.sweep.store import Outcome


@pytest.fixture
def sweep(grid: Callable[[str], Grid]) -> Sweep:
    """Two points: one came through, one did not."""
    points = points_of(grid('chip = ["tiny-4"]\n[chip_keys]\nadcs = [1, 2]'), "model", Options())
    outcomes = [
        Outcome(points[0].key, error="too few", seconds=0.5),
        Outcome(points[1].key, {"arrays": 2, "area_um2": None}, seconds=1.5),
    ]
    return Sweep(points, {outcome.key: outcome for outcome in outcomes}, 2, 3.0)


def test_rows(sweep: Sweep) -> None:
    settings = {"chip": "tiny-4", "mapping": "spread", "objective": "arrays", "lossy": 0, "monarch": 0}
    expected = [
        {**settings, "chip.adcs": 1, "arrays": None, "area_um2": None, "error": "too few", "seconds": 0.5},
        {**settings, "chip.adcs": 2, "arrays": 2, "area_um2": None, "error": None, "seconds": 1.5},
    ]
    assert rows_of(sweep) == expected
    assert [list(row) for row in rows_of(sweep)] == [list(row) for row in expected]
    assert sweep.failed == [(sweep.points[0], "too few")]


def test_settings_that_vary(sweep: Sweep) -> None:
    assert varying_settings(sweep) == {"chip.adcs": [1, 2]}


def test_csv(sweep: Sweep, tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", rows_of(sweep))
    with (tmp_path / "t.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == [
        "chip",
        "mapping",
        "objective",
        "lossy",
        "monarch",
        "chip.adcs",
        "arrays",
        "area_um2",
        "error",
        "seconds",
    ]
    assert lines[2] == ["tiny-4", "spread", "arrays", "0", "0", "2", "2", "", "", "1.5"]
    write_csv(tmp_path / "empty.csv", [])
    assert (tmp_path / "empty.csv").read_text().strip() == ""
