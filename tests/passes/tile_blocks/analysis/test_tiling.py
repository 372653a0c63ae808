"""Tiles cover a matrix exactly once and fit the array."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.tile_blocks.analysis.tiling import block_tiles, grid_tiles

sizes = st.integers(1, 12)


@given(sizes, sizes, sizes, sizes)
def test_tiles_cover_a_matrix_once(rows: int, columns: int, array_rows: int, array_columns: int):
    tiles = grid_tiles(rows, columns, array_rows, array_columns)
    covered = np.zeros((rows, columns), int)
    for row, column, height, width in tiles.tolist():
        assert 1 <= height <= array_rows
        assert 1 <= width <= array_columns
        covered[row : row + height, column : column + width] += 1
    assert (covered == 1).all()
    assert len(tiles) == -(-rows // array_rows) * -(-columns // array_columns)


@pytest.mark.parametrize(
    ("rows", "columns", "tiles"),
    [(4, 4, [[0, 0, 4, 4]]), (1, 1, [[0, 0, 1, 1]]), (5, 4, [[0, 0, 4, 4], [4, 0, 1, 4]])],
)
def test_grids_of_4_by_4(rows: int, columns: int, tiles: list[list[int]]):
    assert grid_tiles(rows, columns, 4, 4).tolist() == tiles


def test_blocks_are_cut_each_on_its_own_grid():
    blocks = np.array([[0, 0, 3, 3], [3, 3, 5, 2]])
    assert block_tiles(blocks, 4, 4).tolist() == [[0, 0, 3, 3], [3, 3, 4, 2], [7, 3, 1, 2]]
    assert block_tiles(blocks, 8, 8).tolist() == blocks.tolist()
