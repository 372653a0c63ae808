"""What the best points of a sweep are mostly made of."""

from collections.abc import Callable

from cimc.compiler import Options
from cimc.sweep.grid import Goal, Grid
from cimc.sweep.pareto import front_of
from cimc.sweep.points import points_of
from cimc.sweep.run import Sweep
from cimc.sweep.shown.parts import parts_notes
from cimc.sweep.shown.results import rows_of
from cimc.sweep.store import Outcome

GOALS = [Goal("energy_pj.total"), Goal("area_um2")]


def figures(digital: float, memory: float | None, area: float) -> dict[str, float | None]:
    parts = {"adc": 1.0, "digital": digital, "attention": 0.0, "leakage": 0.0, "memory": memory}
    energy = {f"energy_components_pj.{name}": value for name, value in parts.items()}
    return {**energy, "energy_pj.total": digital + (memory or 0), "area_um2": area, "area_components_um2.cells": area}


def test_components_with_their_sources_and_in_how_many_points(grid: Callable[[str], Grid]) -> None:
    points = points_of(grid('digital = ["simulator", "published"]\n[chip_keys]\nadcs = [4, 8]'), "model", Options())
    of_points = [figures(9, None, 4), figures(8, None, 5), figures(1, 98, 1), figures(1, 48, 2)]
    outcomes = {p.key: Outcome(p.key, own) for p, own in zip(points, of_points, strict=True)}
    sweep = Sweep(points, outcomes, 4, 1.0)
    notes = list(parts_notes(sweep, front_of(rows_of(sweep), GOALS)))
    assert [point.chip["digital_set"] for point in points] == ["simulator"] * 2 + ["published"] * 2
    assert notes[0].startswith("energy")
    assert sum("digital units 8" in note and "IBM 3D-CiM LLM inference simulator: 10 nJ" in note for note in notes) == 1
    assert sum("key/value memory 9" in note and "O'Connor et al. (MICRO 2017)" in note for note in notes) == 1
    assert any("points)" in note for note in notes)
    assert "cells 100 %: estimate: 0.036 um2" in notes[-1]


def test_totals_that_nobody_compares_by_are_not_explained(grid: Callable[[str], Grid]) -> None:
    points = points_of(grid(""), "model", Options())
    outcomes = {p.key: Outcome(p.key, {**figures(9, None, 4), "arrays": 1}) for p in points}
    sweep = Sweep(points, outcomes, 1, 1.0)
    assert list(parts_notes(sweep, front_of(rows_of(sweep), [Goal("arrays"), Goal("arrays", True)]))) == []
