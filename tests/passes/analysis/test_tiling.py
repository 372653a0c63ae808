"""Tiles cover a matrix exactly once and fit the array."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.tiling import are_cut_from, are_twice, block_tiles, grid_tiles, places_in

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


@given(st.data())
def test_tiles_that_were_cut_are_known(data: st.DataObject):
    """In rows or columns, some of them and in any order; not those that lack a piece or have one twice."""
    rows, columns, array_rows, array_columns = (data.draw(sizes) for _ in range(4))
    tiles = grid_tiles(rows, columns, array_rows, array_columns)
    if data.draw(st.booleans()):
        tiles = np.concatenate([tiles, grid_tiles(3, 2, array_rows, array_columns) + np.array([rows, columns, 0, 0])])
    pieces: list[list[int]] = []
    for row, column, height, width in tiles.tolist():
        down, across = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
        parts = grid_tiles(height, width, down, across) + np.array([row, column, 0, 0])
        pieces += parts.tolist()
    pieces = data.draw(st.permutations(pieces))
    assert are_cut_from(np.array(pieces), tiles)
    assert not are_cut_from(np.array([*pieces, pieces[0]]), tiles)
    if len(pieces) > 1:
        assert not are_cut_from(np.array(pieces[1:]), tiles)
        assert not are_cut_from(np.array([*pieces[1:], pieces[-1]]), tiles)


def test_tiles_that_lie_across_others_are_not_cut_from_them():
    tiles = grid_tiles(4, 4, 2, 2)
    assert are_cut_from(tiles, tiles)
    assert not are_cut_from(np.array([[0, 0, 4, 2], [0, 2, 4, 2]]), tiles)
    assert not are_cut_from(np.array([[0, 0, 2, 1], [0, 1, 2, 2], [0, 3, 2, 1], [2, 0, 2, 2], [2, 2, 2, 2]]), tiles)
    assert not are_cut_from(np.array([[9, 9, 1, 1]]), tiles)


def test_places_in_strips_of_columns():
    """Tiles of a banded matrix share rows, and begin in different ones."""
    tiles = np.array([[0, 0, 4, 2], [2, 2, 4, 3]])
    pieces = np.array([[0, 0, 4, 2], [2, 2, 1, 3], [3, 2, 3, 3]])
    inside = places_in(pieces, tiles)
    assert inside is not None
    assert inside.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    assert are_cut_from(pieces, tiles)
    assert not are_cut_from(pieces[:2], tiles)
    assert places_in(np.array([[4, 0, 1, 1]]), tiles) is None
    crossing = np.array([[0, 0, 2, 2], [1, 2, 2, 2], [2, 1, 2, 1]])
    assert places_in(crossing, crossing) is None


def test_places_in_tiles_in_any_order():
    tiles = np.array([[2, 2, 2, 3], [0, 0, 2, 2]])
    pieces = np.array([[0, 1, 1, 1], [3, 3, 1, 2]])
    inside = places_in(pieces, tiles)
    assert inside is not None
    assert inside.tolist() == [[1, 0, 1], [0, 1, 1]]
    assert not are_twice(pieces, inside, tiles)
    assert places_in(np.array([[0, 1, 1, 2]]), tiles) is None
    assert are_twice(pieces[[0, 0]], inside[[0, 0]], tiles)
