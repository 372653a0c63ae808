"""densemap: the block diagonals of one factor fill an array, those of its partner in the opposite order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.places import illegal_place
from passes.analysis.tiling import block_tiles, grid_tiles
from passes.place_tiles.analysis.densemap import diagonal_cells, place_densemap
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used


def blocks(count: int, rows: int, columns: int, second: bool = False) -> WeightTiles:
    i = np.arange(count)
    rectangles = np.stack([i * rows, i * columns, 0 * i + rows, 0 * i + columns], axis=1)
    return WeightTiles(block_tiles(rectangles, 256, 256), dense=False, second=second)


def test_diagonals_of_both_factors() -> None:
    """Diagonal i: block j at row j, column j + i; the partner's at column j - i."""
    first, second = place_densemap([blocks(16, 64, 64), blocks(16, 64, 64, second=True)], 256, 256)
    assert (first.places[:, 0] == 0).all()
    assert (second.places[:, 0] == 1).all()
    for i in range(4):
        for j in range(4):
            assert first.places[4 * i + j, 1:].tolist() == [64 * j, 64 * ((j + i) % 4)]
            assert second.places[4 * i + j, 1:].tolist() == [64 * j, 64 * ((j - i) % 4)]


@pytest.mark.parametrize("g", [1, 2, 3, 8])
def test_rotations_cancel(g: int) -> None:
    """The rotation of a diagonal and that of its partner are together none; 0 and g/2 are their own partners."""
    one, other = (diagonal_cells(g, g, second).reshape(g, g, 2) for second in (False, True))
    rotation, back = ((cells[:, 0, 1] - cells[:, 0, 0]) % g for cells in (one, other))
    assert ((rotation + back) % g == 0).all()
    assert [i for i in range(g) if rotation[i] == back[i]] == ([0, g // 2] if g % 2 == 0 else [0])


@given(st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_every_cell_once_and_no_row_or_column_twice_on_a_diagonal(down: int, across: int, second: bool) -> None:
    cells = diagonal_cells(down, across, second)
    assert sorted(cells.tolist()) == [[r, c] for r in range(down) for c in range(across)]
    for diagonal in cells.reshape(max(down, across), min(down, across), 2):
        assert all(len(set(axis)) == len(axis) for axis in diagonal.T.tolist())


@pytest.mark.parametrize(
    ("count", "rows", "columns", "arrays"),
    [(32, 32, 32, 1), (64, 64, 64, 4), (65, 32, 32, 2), (17, 63, 64, 2), (8, 16, 128, 1), (33, 16, 128, 2)],
)
def test_blocks_per_array(count: int, rows: int, columns: int, arrays: int) -> None:
    assert arrays_used(place_densemap([blocks(count, rows, columns)], 256, 256)) == arrays


def test_weights_do_not_share_arrays() -> None:
    dense = WeightTiles(grid_tiles(300, 10, 256, 256), dense=True)
    placements = place_densemap([blocks(1, 8, 8), dense, blocks(1, 8, 8)], 256, 256)
    assert [p.places[:, 0].tolist() for p in placements] == [[0], [1, 2], [3]]


@given(st.lists(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8)), min_size=1, max_size=30), max_size=4))
def test_any_shapes_are_placed_legally(shapes: list[list[tuple[int, int]]]) -> None:
    weights = [
        WeightTiles(np.array([(0, 0, rows, columns) for rows, columns in some]), dense=False, second=bool(i % 2))
        for i, some in enumerate(shapes)
    ]
    placements = place_densemap(weights, 8, 8)
    assert illegal_place(placements, 8, 8) is None
    assert arrays_used(placements) <= sum(len(some) for some in shapes)
