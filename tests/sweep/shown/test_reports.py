"""Pages of points: what cannot be written, and what can no longer be made (test_page.py makes them)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.compiler import Options
from cimc.sweep.grid import Grid
from cimc.sweep.points import points_of
from cimc.sweep.run import Sweep
from cimc.sweep.shown.reports import write_reports
from cimc.sweep.shown.results import rows_of
from cimc.sweep.store import Outcome
from dialects.errors import UserError


@pytest.fixture
def sweep(grid: Callable[[str], Grid]) -> Sweep:
    points = points_of(grid('chip = ["tiny-4"]'), "model", Options())
    return Sweep(points, {points[0].key: Outcome(points[0].key, {"arrays": 1})}, 0, 0.0)


def test_a_sweep_whose_work_is_gone(sweep: Sweep, tmp_path: Path) -> None:
    assert write_reports(sweep, rows_of(sweep), tmp_path) == [None]


def test_none_are_wanted(sweep: Sweep, tmp_path: Path) -> None:
    assert write_reports(sweep, [], tmp_path) == []
    assert not (tmp_path / "reports").exists()


def test_a_folder_that_cannot_be_made(sweep: Sweep, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    with pytest.raises(UserError, match=r"reports: cannot be written: "):
        write_reports(sweep, rows_of(sweep), tmp_path)
