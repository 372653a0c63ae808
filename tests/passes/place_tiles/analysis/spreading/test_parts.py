"""What tiles can be cut into: row groups, and columns by the bits that they need."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from passes.place_tiles.analysis.spreading.parts import Reader, cut_parts, parts_of_tiles, row_groups_of_tiles
from passes.place_tiles.analysis.spreading.tiles import TILE
from passes.place_tiles.analysis.spreading.work import Work

ASKED = Work(8, 4, 8, 0.0)
Tile = NDArray[np.int8]


def reader(groups: list[int] | None = None, limit: int = 255, adcs: int = 2) -> Reader:
    """Of cells that are the numbers themselves."""

    def bounds_of(tiles: Sequence[Tile]) -> list[NDArray[np.int64]]:
        return [tile.astype(np.int64).sum(axis=0) for tile in tiles]

    return Reader(bounds_of, lambda tile: groups, limit, adcs)


def parts(matrix: NDArray[np.int64], own: Reader) -> list[tuple[int, ...]]:
    """First row, first column, rows, columns and bits of the parts of a matrix at row 10, column 20 of a weight."""

    def tile_of(k: int, n: int, rows: int, columns: int) -> Tile:
        assert (k, n) == (10, 20)
        return matrix[:rows, :columns].astype(np.int8)

    tiles = np.array([(10, 20, *matrix.shape)])
    works, table = parts_of_tiles(ASKED, tiles, tile_of, own)
    assert {(work.planes, work.slices, work.input_bits) for work in works} <= {(8, 4, 8)}
    rows: list[list[int]] = table.tolist()
    return [(*row[1:5], round(works[row[-1]].peak * row[3]).bit_length()) for row in rows]


def test_a_tile_that_is_read_at_once_has_no_parts() -> None:
    assert parts(np.ones((4, 6), np.int64), reader()) == []


def test_row_groups_have_equally_many_rows() -> None:
    """Three rows and one would do, too."""
    assert parts(np.full((4, 2), 2), reader([3, 1], 6)) == [(10, 20, 2, 2, 3), (12, 20, 2, 2, 3)]


def test_where_they_cannot_have_tiles_are_left_whole() -> None:
    """Rows of 1 and 6 would be together in the second half; unless parts may have any rows."""
    matrix, own = np.array([[1], [1], [1], [6]]), reader([3, 1], 6)
    assert parts(matrix, own) == []
    assert parts(matrix, replace(own, even=False)) == [(10, 20, 3, 1, 2), (13, 20, 1, 1, 3)]


def test_of_many_row_groups_there_may_be_one_more() -> None:
    """Five rows of 5 and one of 1: the sum needs 5 groups, of which one would have two rows."""
    matrix = np.array([[5], [5], [5], [1], [5], [5]])
    assert [row[:4] for row in parts(matrix, reader([1, 1, 2, 1, 1], 6))] == [(10 + i, 20, 1, 1) for i in range(6)]


def test_a_single_row_may_be_too_much() -> None:
    assert parts(np.full((2, 1), 9), reader(None, 6)) == []
    assert parts(np.full((2, 1), 99), reader(None, 6)) == []


def test_columns_that_need_most_bits_are_apart() -> None:
    """Sums of 2, 8, 2, 5 and 1, on two ADCs; others need 3 bits at most."""
    matrix = np.array([[1, 7, 1, 4, 1], [1, 1, 1, 1, 0]])
    assert parts(matrix, reader()) == [(10, 20, 2, 1, 3), (10, 21, 2, 1, 4), (10, 22, 2, 3, 3)]


@pytest.mark.parametrize("adcs", [4, 5])
def test_columns_are_not_apart_where_others_are_fewer_than_adcs(adcs: int) -> None:
    matrix = np.array([[1, 7, 1, 4, 1], [1, 1, 1, 1, 0]])
    assert bool(parts(matrix, reader(adcs=adcs))) == (adcs == 4)


def test_row_groups_alone_are_of_tiles_that_are_said_to_need_them() -> None:
    """Of two tiles with equal numbers one; columns of few bits stay with the others."""
    tiles = np.array([(10, 20, 4, 3), (14, 20, 4, 3)])

    def tile_of(k: int, n: int, rows: int, columns: int) -> Tile:
        assert k == 14
        return np.array([[2, 1, 0]] * rows, np.int8)

    works, table = row_groups_of_tiles(ASKED, tiles, tile_of, reader([3, 1], 6), [6.0, 8.0])
    assert table.tolist() == [[1, 14, 20, 2, 3, 0], [1, 16, 20, 2, 3, 0]]
    assert [work.peak for work in works] == [7 / 2]


def test_tiles_are_cut_into_their_parts() -> None:
    tiles = np.array([(5, 1, 7, 0, 0, 0, 4, 6), (6, 1, 7, 0, 4, 0, 4, 6)])
    own = np.array([(1, 4, 0, 2, 6, 3), (1, 6, 0, 2, 6, 4)])
    assert len(tiles[0]) == len(TILE)
    assert cut_parts(tiles, own).tolist() == [
        [5, 1, 7, 0, 0, 0, 4, 6],
        [6, 1, 7, 3, 4, 0, 2, 6],
        [6, 1, 7, 4, 6, 0, 2, 6],
    ]
