"""The page of a sweep, and the pages of reports that it leads to."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.compiler import Options
from cimc.sweep.grid import Grid
from cimc.sweep.pareto import Front, front_of
from cimc.sweep.run import Sweep, Where, run_sweep
from cimc.sweep.shown.page import page_of_sweep
from cimc.sweep.shown.reports import write_reports
from cimc.sweep.shown.results import rows_of

Done = tuple[Sweep, Front, Path]


@pytest.fixture
def done(network: Path, grid: Callable[[str], Grid], tmp_path: Path, threads: Where) -> Done:
    """Two points of which one is best."""
    own = grid('chip = ["tiny-4"]\nlossy = [0, 1]\n[chip_keys]\nadcs = [1, 2]')
    sweep = run_sweep(network, own, tmp_path / "out", Options(), where=threads)
    return sweep, front_of(rows_of(sweep), own.goals), tmp_path / "out"


def test_reports_of_the_best_points(done: Done) -> None:
    """Their figures are those of the points; a page that is there is kept, one of an earlier front is removed."""
    sweep, front, out = done
    (out / "reports").mkdir()
    (out / "reports" / f"{'0' * 32}.html").write_text("earlier")
    (out / "reports" / "mine.html").write_text("a user's")
    best = front.best[0]
    (name,) = write_reports(sweep, [best], out)
    assert name is not None
    text = (out / name).read_text(encoding="utf-8")
    inside = re.search(r'<script type="application/json" id="report">(.*?)</script>', text)
    assert inside is not None
    report = json.loads(inside[1])
    assert report["latency_ns"]["parameter"] == best["latency_ns.parameter"]
    assert report["measured"]["cosine"] == best["measured.cosine"]
    assert report["may_clip"]["conversions"] == best["may_clip.conversions"]
    assert sorted(file.name for file in (out / "reports").iterdir()) == sorted([Path(name).name, "mine.html"])
    (out / name).write_text("kept")
    assert write_reports(sweep, [best], out) == [name]
    assert (out / name).read_text() == "kept"


def test_the_page(done: Done) -> None:
    """It holds what it shows, loads nothing, and leads to the reports."""
    sweep, front, _ = done
    page = page_of_sweep(sweep, front, "network.onnx", ["reports/a.html"])
    assert '<td><a href="reports/a.html">report</a></td>' in page
    assert re.findall(r'(?:src|href)="([^"]*)"', re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)) == [
        "reports/a.html"
    ]
    assert "latency a token, arrays alone" in page
    assert len(page) < 1_500_000
    inside = re.search(r'<script type="application/json" id="charts">(.*?)</script>', page)
    assert inside is not None
    (chart,) = json.loads(inside[1])
    (marks,) = chart["spec"]["datasets"].values()
    assert {mark["page"] for mark in marks if mark["kind"] == "best"} >= {"reports/a.html"}
    assert sum(mark["points"] for mark in marks) == 4


def test_without_reports(done: Done) -> None:
    sweep, front, _ = done
    assert "cim-sweep --reports N" in page_of_sweep(sweep, front, "<b>.onnx", [])
    assert "<b>" not in page_of_sweep(sweep, front, "<b>.onnx", [])
