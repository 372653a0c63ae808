"""Tiles: which of them lie where."""

import numpy as np

from cimc.program.arrays.tiles import first_places, own_places, programmed_cells, tiles_by_array

TILES = np.array(
    [
        [0, 1, 0, 0, 2, 3, 0, 0],
        [0, 0, 1, 1, 2, 2, 2, 0],
        [1, 1, 0, 0, 2, 3, 0, 0],
        [1, 1, 2, 0, 1, 4, 2, 0],
    ],
    np.int32,
)


def test_tiles_that_share_a_place() -> None:
    first, same = first_places(TILES)
    assert first[same].tolist() == [0, 1, 0, 3]
    assert own_places(TILES).tolist() == [0, 1, 3]


def test_tiles_of_arrays() -> None:
    assert [numbers.tolist() for numbers in tiles_by_array(TILES, 3)] == [[1], [0, 2, 3], []]


def test_cells_of_an_array() -> None:
    assert programmed_cells(TILES[1:2], 3, 4).astype(int).tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0]]
    assert programmed_cells(TILES[[0, 2, 3]], 3, 4).astype(int).tolist() == [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
