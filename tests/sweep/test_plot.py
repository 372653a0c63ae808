"""The picture of a sweep: what it is told to show, and that it is a picture."""

import struct
from pathlib import Path
from typing import Any

import pytest

from cimc.sweep.grid import Goal
from cimc.sweep.pareto import front_of
from cimc.sweep.plot import chart_of, write_plot
from cimc.sweep.points import Setting
from cimc.sweep.store import Row

GOALS = [Goal("latency_ns.total"), Goal("arrays"), Goal("measured.cosine", greatest=True)]
ROWS: list[Row] = [
    {"chip.adcs": a, "mapping": m, "latency_ns.total": 1.0 * t, "arrays": n, "measured.cosine": 0.9, "error": None}
    for a, m, t, n in ((4, "spread", 100, 3), (8, "spread", 50, 4), (4, "linear", 1000, 3))
]
VARYING: dict[str, list[Setting]] = {"chip.adcs": [4, 8], "mapping": ["spread", "linear"]}


@pytest.fixture
def panels() -> list[dict[str, Any]]:
    return chart_of(front_of(ROWS, GOALS), VARYING, "title").to_dict()["hconcat"]


def test_a_panel_for_every_goal_but_the_first(panels: list[dict[str, Any]]) -> None:
    axes = [[panel["encoding"][side]["title"] for side in "xy"] for panel in panels]
    assert axes == [
        ["latency_ns.total (least is best)", "arrays (least is best)"],
        ["latency_ns.total (least is best)", "measured.cosine (greatest is best)"],
    ]


def test_wide_ranges_are_logarithmic(panels: list[dict[str, Any]]) -> None:
    assert panels[0]["encoding"]["x"]["scale"]["type"] == "log"
    assert "type" not in panels[0]["encoding"]["y"]["scale"]


def test_settings_by_colour_and_shape(panels: list[dict[str, Any]]) -> None:
    color, shape = panels[0]["encoding"]["color"], panels[0]["encoding"]["shape"]
    assert (color["field"], color["sort"]) == ("mapping", ["spread", "linear"])
    assert (shape["field"], shape["sort"]) == (r"chip\.adcs", ["4", "8"])


def test_best_points_come_last_and_lie_on_top() -> None:
    (data,) = chart_of(front_of(ROWS, GOALS), VARYING, "title").to_dict()["datasets"].values()
    assert [(row["kind"], row["latency_ns.total"]) for row in data] == [("others", 1000), ("best", 50), ("best", 100)]


def test_settings_with_too_many_values_are_not_told_apart() -> None:
    chart = chart_of(front_of(ROWS, GOALS), {"chip.adcs": list(range(9))}, "title").to_dict()
    assert chart["hconcat"][0]["encoding"].keys() == {"x", "y", "opacity"}


def test_it_is_a_picture(tmp_path: Path) -> None:
    write_plot(tmp_path / "p.png", front_of(ROWS, GOALS), VARYING, "title")
    content = (tmp_path / "p.png").read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width > 2 * height > 1000
