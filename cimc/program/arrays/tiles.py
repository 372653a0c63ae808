"""Tiles: which piece of which weight lies where."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

TILE_FIELDS = ("weight", "array", "row", "column", "rows", "columns", "weight_row", "weight_column")


def own_places(tiles: NDArray[np.int32]) -> NDArray[np.intp]:
    """The numbers of tiles of which no two begin at the same cell of an array: of those that do, the first."""
    return np.sort(first_places(tiles)[0])


def first_places(tiles: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first tile at each cell where any begins, and for each tile which of these begins where it does."""
    array, row, column = (tiles[:, i].astype(np.int64) for i in (1, 2, 3))
    width, height = 1 + int(column.max(initial=0)), 1 + int(row.max(initial=0))
    place = (array * height + row) * width + column
    _, first, same = np.unique(place, return_index=True, return_inverse=True)
    return first, same


def tiles_by_array(tiles: NDArray[np.int32], arrays: int) -> list[NDArray[np.int64]]:
    """For every array the numbers of the tiles that lie in it."""
    order = np.argsort(tiles[:, 1], kind="stable")
    bounds = np.searchsorted(tiles[order, 1], np.arange(arrays + 1)).tolist()
    return [order[first:last] for first, last in pairwise(bounds)]


def programmed_cells(tiles: NDArray[np.int32], rows: int, columns: int) -> NDArray[np.bool_]:
    """Which cells of one array its `tiles` (all in that array) program, as booleans [rows, columns]."""
    programmed = np.zeros((rows, columns), np.bool_)
    for _, _, row, column, height, width, _, _ in tiles.tolist():
        programmed[row : row + height, column : column + width] = True
    return programmed
