"""Tiles in planned room: each element once and inside it, a stage in different arrays while there are any."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.places import Table
from passes.place_tiles.analysis.filling import TILE, fill, fill_evenly
from passes.place_tiles.analysis.strips import Plan, plan_strips

ROWS, COLUMNS = 8, 6


def tiles_of(*sizes: tuple[int, int, int]) -> Table:
    """A table of tiles, each (stage, rows, columns) of a weight of its own."""
    return np.array([(i, stage, 0, 0, rows, columns) for i, (stage, rows, columns) in enumerate(sizes)], np.int64)


def plan_of(tiles: Table, most_waste: int = ROWS) -> Plan:
    demand: Counter[int] = Counter()
    for *_, rows, columns in tiles.tolist():
        demand[rows] += columns
    return plan_strips(demand, {}, ROWS, most_waste)


def check(tiles: Table, placed: Table, arrays: int) -> None:
    """Every element of every tile lies in one cell of an array, and no two share one."""
    assert placed.shape[1] == len(TILE) + 3
    elements: Counter[tuple[int, int, int]] = Counter()
    cells: Counter[tuple[int, int, int]] = Counter()
    for weight, stage, k, n, rows, columns, array, row, column in placed.tolist():
        assert stage == tiles[weight, 1]
        assert 0 <= array < arrays
        assert 0 <= row <= ROWS - rows
        assert 0 <= column <= COLUMNS - columns
        elements.update((weight, k + i, n + j) for i in range(rows) for j in range(columns))
        cells.update((array, row + i, column + j) for i in range(rows) for j in range(columns))
    wanted = Counter(
        (weight, i, j) for weight, _, _, _, rows, columns in tiles.tolist() for i in range(rows) for j in range(columns)
    )
    assert elements == wanted
    assert set(cells.values()) <= {1}


sizes = st.lists(st.tuples(st.integers(0, 2), st.integers(1, ROWS), st.integers(1, COLUMNS)), min_size=1, max_size=20)


@given(sizes, st.integers(0, ROWS), st.integers(0, 4), st.integers(1, COLUMNS))
def test_any_tiles(some: list[tuple[int, int, int]], most_waste: int, more: int, unit: int) -> None:
    tiles = tiles_of(*some)
    plan = plan_of(tiles, most_waste)
    arrays = -(-plan.columns // COLUMNS)
    check(tiles, fill(tiles, plan, COLUMNS), arrays)
    check(tiles, fill_evenly(tiles, plan, COLUMNS, arrays + more, unit), arrays + more)


def arrays_of(placed: Table, stage: int) -> list[int]:
    return sorted(placed[placed[:, 1] == stage, 6].tolist())


def test_tiles_of_a_stage_lie_in_different_arrays() -> None:
    """Three arrays of two tiles side by side: each stage has one in every array."""
    tiles = tiles_of(*[(stage, ROWS, 3) for stage in (0, 0, 0, 1, 1, 1)])
    placed = fill(tiles, plan_of(tiles), COLUMNS)
    assert [arrays_of(placed, stage) for stage in (0, 1)] == [[0, 1, 2], [0, 1, 2]]


def test_a_stage_of_more_tiles_than_arrays_goes_round() -> None:
    tiles = tiles_of(*[(0, ROWS, 2)] * 5, (1, ROWS, 2))
    assert arrays_of(fill(tiles, plan_of(tiles), COLUMNS), 0) in ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1])


def test_arrays_that_a_taller_height_uses_are_avoided() -> None:
    """A stage's tiles of 5 rows are in arrays 0 and 1 already, so its one of 3 rows takes the third."""
    tiles = tiles_of((0, 5, 6), (0, 5, 6), (1, 5, 6), (0, 3, 6), (1, 3, 6), (1, 3, 6))
    placed = fill(tiles, plan_of(tiles), COLUMNS)
    assert arrays_of(placed, 0) == arrays_of(placed, 1) == [0, 1, 2]


def test_tiles_are_cut_between_columns_where_an_array_ends() -> None:
    tiles = tiles_of((0, ROWS, 4), (0, ROWS, 4), (0, ROWS, 4))
    placed = fill(tiles, plan_of(tiles), COLUMNS)
    assert sorted(placed[:, 5].tolist()) == [2, 2, 4, 4]


@pytest.mark.parametrize(("unit", "widths"), [(2, [2, 2, 2]), (3, [3, 3])])
def test_columns_go_round_the_arrays(unit: int, widths: list[int]) -> None:
    tiles = tiles_of((0, ROWS, 6))
    placed = fill_evenly(tiles, plan_of(tiles), COLUMNS, 4, unit)
    assert placed[:, 5].tolist() == widths
    assert len(set(placed[:, 6].tolist())) == len(widths)


def test_units_are_narrower_where_they_would_not_fit() -> None:
    """4 of 6 columns a unit leave 2 in each array unused: 12 columns fill both arrays in units of 3."""
    tiles = tiles_of((0, ROWS, 12))
    placed = fill_evenly(tiles, plan_of(tiles), COLUMNS, 2, 4)
    check(tiles, placed, 2)
    assert placed[:, 5].tolist() == [6, 6]
