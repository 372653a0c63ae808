"""The picture of a sweep: what it is told to show, and that it is a picture."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cimc.sweep.grid import Goal
from cimc.sweep.pareto import front_of
from cimc.sweep.points import Setting
from cimc.sweep.shown.plot import pairs_of, panels_of, write_plot
from cimc.sweep.store import Row

GOALS = [Goal("latency_ns.total"), Goal("arrays"), Goal("measured.cosine", greatest=True)]
ROWS: list[Row] = [
    {"chip.adcs": a, "mapping": m, "latency_ns.total": 1.0 * t, "arrays": n, "measured.cosine": 0.9, "error": None}
    for a, m, t, n in ((4, "spread", 100, 3), (8, "spread", 50, 4), (4, "linear", 1000, 3))
]
VARYING: dict[str, list[Setting]] = {"chip.adcs": [4, 8], "mapping": ["spread", "linear"]}


Panel = dict[str, Any]


def drawn(rows: list[Row], varying: dict[str, list[Setting]] = VARYING, pages: Mapping[str, str] = {}) -> list[Panel]:
    return [chart.to_dict() for chart in panels_of(front_of(rows, GOALS), varying, pages)]


def marks(panel: Panel) -> list[dict[str, Any]]:
    (data,) = panel["datasets"].values()
    return data


def test_quality_over_each_cost() -> None:
    """With the words and units of reports."""
    axes = [[panel["layer"][0]["encoding"][side]["title"] for side in "xy"] for panel in drawn(ROWS)]
    cosine = ["cosine with the original", "greatest is best"]
    assert axes == [
        [["latency a token, with digital operators (µs)", "least is best"], cosine],
        [["arrays", "least is best"], cosine],
    ]


def test_what_panels_show() -> None:
    """Perplexity before cosine; where no goal tells quality, every goal but the first over the first."""
    time, arrays, cosine, perplexity = *GOALS, Goal("quality.perplexity")
    assert pairs_of([time, cosine, perplexity]) == [(time, perplexity), (cosine, perplexity)]
    assert pairs_of([perplexity, arrays]) == [(arrays, perplexity)]
    assert pairs_of([time, arrays, Goal("crossbars")]) == [(time, arrays), (time, Goal("crossbars"))]


def test_wide_ranges_are_logarithmic() -> None:
    encoding = drawn(ROWS)[0]["layer"][0]["encoding"]
    assert encoding["x"]["scale"]["type"] == "log"
    assert encoding["x"]["axis"]["labelExpr"] == "format(datum.value / 1000.0, '.4~')"
    assert "type" not in encoding["y"]["scale"]


def test_settings_by_colour_and_shape() -> None:
    encoding = drawn(ROWS)[0]["layer"][0]["encoding"]
    color, shape = encoding["color"], encoding["shape"]
    assert (color["field"], color["sort"]) == ("mapping", ["spread", "linear"])
    assert (shape["field"], shape["sort"]) == (r"chip\.adcs", ["4", "8"])


def test_best_points_come_last_and_lie_on_top() -> None:
    rows = marks(drawn(ROWS)[0])
    assert [(row["kind"], row["latency_ns.total"]) for row in rows] == [("others", 1000), ("best", 50), ("best", 100)]


def test_settings_with_too_many_values_are_not_told_apart() -> None:
    encoding = drawn(ROWS, {"chip.adcs": list(range(9))})[0]["layer"][0]["encoding"]
    assert encoding.keys() == {"x", "y", "opacity", "size", "tooltip"}


def test_points_with_equal_figures_are_one_mark() -> None:
    """With all their settings."""
    rows: list[Row] = [{**ROWS[0], "seconds": i} for i in range(10)]
    (mark,) = marks(drawn(rows)[0])
    assert (mark["points"], mark["here"]) == (10, 10)
    assert mark["settings"] == "; ".join(["chip.adcs 4, mapping spread"] * 8) + "; and 2 more"
    assert mark["text latency_ns.total"] == "100 ns"


def test_marks_at_the_same_place_are_seen_around_each_other() -> None:
    """Points that differ in what this panel does not show: the lower is the larger, and a number says how many."""
    other = {**ROWS[0], "mapping": "linear", "arrays": 5}
    time, arrays = (marks(panel) for panel in drawn([*ROWS, other]))
    here = [(m["kind"], m["here"], m["top"]) for m in time if m["latency_ns.total"] == 100]
    assert here == [("others", 2, False), ("best", 2, True)]
    below, above = (m["size"] for m in time if m["latency_ns.total"] == 100)
    assert below > above
    assert {m["here"] for m in arrays if m["arrays"] == 5} == {1}


def test_best_points_lead_to_their_pages() -> None:
    pages = {"chip.adcs 8, mapping spread": "reports/p.html"}
    assert [(m["kind"], m["page"]) for m in marks(drawn(ROWS, pages=pages)[0])] == [
        ("others", None),
        ("best", "reports/p.html"),
        ("best", None),
    ]


def test_it_is_a_picture(tmp_path: Path) -> None:
    write_plot(tmp_path / "p.png", front_of(ROWS, GOALS), VARYING, "title")
    content = (tmp_path / "p.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width > 2 * height > 1000
