"""The compiled loop that looks at all cells before they are packed: how large sums can be, and what is programmed."""

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.bit_blocks import Digits
from cimc.machine.fast.compiled import kept
from cimc.machine.fast.encoding import BITS
from cimc.machine.fast.pieces import Pieces


@kept
def look_at_cells(
    cells: NDArray[np.int8],
    tiles: NDArray[np.int64],
    excess: int,
    differential: bool,
    slices: Digits,
    pieces: Pieces,
    largest: NDArray[np.int64],
    whole: NDArray[np.bool_],
) -> None:
    """For each piece the largest sum of one slice's cells in one column, and whether all its cells are programmed.

    `cells` [arrays, rows, columns] hold weights; `pieces` and `tiles` [tiles, TILE_FIELDS] are sorted by array. Only
    cells with an `excess` differ if they are not programmed: they hold nothing.
    """
    sums = np.zeros(cells.shape[2], np.uint32)
    programmed = np.zeros(cells.shape[1:], np.uint8)
    array, covered, tile = -1, True, 0
    for i in range(len(pieces)):
        if array != int64(pieces[i]["array"]):
            array = int64(pieces[i]["array"])
            if excess:
                tile, covered = _mark(tiles, tile, array, programmed)
        row, rows = int64(pieces[i]["row"]), int64(pieces[i]["rows"])
        column, columns = int64(pieces[i]["column"]), int64(pieces[i]["columns"])
        chosen = cells[array, row : row + rows, column : column + columns]
        marks = programmed[row : row + rows, column : column + columns]
        for s in range(len(slices)):
            sums[:columns] = 0
            mask = ((1 << slices[s, 1]) - 1) << slices[s, 0]
            if differential:
                _add_magnitudes(chosen, mask, sums)
            elif covered:
                _add_bytes(chosen, excess, mask, sums)
            else:
                _add_programmed(chosen, marks, excess, mask, sums)
            largest[i] = max(largest[i], int64(sums[:columns].max()) >> slices[s, 0])
        whole[i] = covered or marks.all()


@njit
def _mark(tiles: NDArray[np.int64], tile: int, array: int, programmed: NDArray[np.uint8]) -> tuple[int, bool]:
    """Marks the cells that the tiles of one array program; the tile behind them, and whether all cells are."""
    rows, columns = programmed.shape
    programmed[:] = 0
    area = 0
    while tile < len(tiles) and tiles[tile, 1] <= array:
        if tiles[tile, 1] == array:
            row, column, height, width = tiles[tile, 2], tiles[tile, 3], tiles[tile, 4], tiles[tile, 5]
            programmed[row : row + height, column : column + width] = 255
            area += height * width
        tile += 1
    return tile, area == rows * columns


@njit
def _add_bytes(cells: NDArray[np.int8], excess: int, mask: int, sums: NDArray[np.uint32]) -> None:
    flip, chosen = uint32(excess), uint32(mask)
    for r in range(cells.shape[0]):
        for c in range(cells.shape[1]):
            sums[c] += (uint32(cells[r, c]) ^ flip) & chosen


@njit
def _add_programmed(
    cells: NDArray[np.int8], marks: NDArray[np.uint8], excess: int, mask: int, sums: NDArray[np.uint32]
) -> None:
    flip, chosen = uint32(excess), uint32(mask)
    for r in range(cells.shape[0]):
        for c in range(cells.shape[1]):
            sums[c] += (uint32(cells[r, c]) ^ flip) & uint32(marks[r, c]) & chosen


@njit
def _add_magnitudes(cells: NDArray[np.int8], mask: int, sums: NDArray[np.uint32]) -> None:
    for r in range(cells.shape[0]):
        for c in range(cells.shape[1]):
            weight = int64(cells[r, c])
            sums[c] += uint32((max(weight, 0) | max(-weight, 0) << BITS) & mask)
