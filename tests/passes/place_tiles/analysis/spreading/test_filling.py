"""Arrays filled with the tiles of all stages: each element once, what it costs and how long it takes."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.places import Table
from passes.place_tiles.analysis.spreading.filling import Filling
from passes.place_tiles.analysis.spreading.strips import Size, plan_strips
from passes.place_tiles.analysis.spreading.targets import Choice, Choices, fastest
from passes.place_tiles.analysis.spreading.tiles import COLUMNS, ROWS, cut_rows, drives_of
from passes.place_tiles.analysis.spreading.work import PLAIN, efforts, plain_prices

SIZE = Size(8, 6)


def filling_of(sizes: list[tuple[int, int, int]], most_waste: int = 8, more: int = 0) -> tuple[Filling, Table]:
    """Tiles (stage, rows, columns), each of a weight of its own."""
    tiles = np.array([(i, stage, i, i, 0, 0, rows, columns) for i, (stage, rows, columns) in enumerate(sizes)])
    demand: Counter[int] = Counter()
    for _, rows, columns in sizes:
        demand[rows] += columns
    plan = plan_strips(demand, {}, SIZE.rows, most_waste)
    cut = cut_rows(tiles, plan)
    drives = drives_of(cut, efforts(cut[:, ROWS], [PLAIN] * len(sizes), cut[:, 3], plain_prices(1)))
    return Filling(drives, plan, SIZE.arrays(plan) + more, SIZE, 1), tiles


def chosen(filling: Filling, fast: bool) -> dict[int, Choice]:
    stages = {stage: filling.drives.drives[low:high] for stage, (low, high) in filling.drives.of_stage.items()}
    choices = Choices(filling.arrays, SIZE.columns, 1).of(stages)
    return fastest(choices) if fast else {stage: own[0] for stage, own in choices.items()}


sizes = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 8), st.integers(1, 6)), min_size=1, max_size=20)


@given(sizes, st.integers(0, 8), st.integers(0, 3), st.booleans())
def test_every_element_lies_in_one_cell(some: list[tuple[int, int, int]], waste: int, more: int, fast: bool) -> None:
    filling, tiles = filling_of(some, waste, more)
    for filled in filling.places(chosen(filling, fast)):
        elements: Counter[tuple[int, int, int]] = Counter()
        cells: Counter[tuple[int, int, int]] = Counter()
        for weight, _, _, _, k, n, rows, columns, array, row, column in filling.tiles(filled.places).tolist():
            assert 0 <= array < filling.arrays
            assert 0 <= row <= SIZE.rows - rows
            assert 0 <= column <= SIZE.columns - columns
            elements.update((weight, k + i, n + j) for i in range(rows) for j in range(columns))
            cells.update((array, row + i, column + j) for i in range(rows) for j in range(columns))
        assert set(cells.values()) == set(elements.values()) == {1}
        assert len(elements) == int((tiles[:, ROWS] * tiles[:, COLUMNS]).sum())


@pytest.mark.parametrize("count", [3, 6])
def test_tiles_of_a_stage_lie_in_different_arrays(count: int) -> None:
    """Three arrays of two tiles side by side: each stage has one in every array, or two."""
    filling, _ = filling_of([(stage, 8, 3) for stage in range(6 // count) for _ in range(count)])
    (filled,) = filling.places(chosen(filling, fast=False))
    assert filled.time == 6 * (1 + 3 * 2) // 3
    assert filled.energy == 0


def test_driving_rows_twice_costs() -> None:
    """One tile of 6 columns in two arrays takes half as long for 8 rows more."""
    filling, _ = filling_of([(0, 8, 6)], more=1)
    (whole,), (fast,) = filling.places(chosen(filling, False)), filling.places(chosen(filling, True))
    assert (whole.time, whole.energy) == (13, 0)
    assert (fast.time, fast.energy) == (7, 8)
