"""The compiled loop that looks at all cells before they are packed: how large sums can be, and what is programmed."""

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.encoding import BITS
from cimc.machine.fast.lanes import Lanes, load_bytes, splat, store
from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.words import LANES, Bytes, Digits, Words


def look_at_cells(
    cells: NDArray[np.int8],
    tiles: NDArray[np.int64],
    excess: int,
    differential: int,
    slices: Digits,
    pieces: Pieces,
    largest: NDArray[np.int64],
    whole: NDArray[np.bool_],
    sums: Words,
    programmed: NDArray[np.uint8],
) -> None:
    """For each piece the largest sum of one slice's cells in one column, and whether all its cells are programmed.

    `cells` [arrays, rows, columns] hold weights; `pieces` and `tiles` [tiles, TILE_FIELDS] are sorted by array. Only
    cells with an `excess` differ if they are not programmed: they hold nothing. `sums` is room for LANES sums,
    `programmed` for the marks of one array.
    """
    array, covered, tile, stride = -1, True, 0, cells.shape[2]
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
            mask = ((1 << slices[s, 1]) - 1) << slices[s, 0]
            for c in range(0, columns, LANES):
                count = min(columns - c, LANES)
                if count < LANES:
                    sums[:] = 0
                    _add_some(chosen[:, c:], marks[:, c:], differential, covered, excess, mask, count, sums)
                else:
                    place = row * stride + column + c
                    first = array * cells.shape[1] * stride + place
                    total = _sums(cells, first, programmed, place, stride, rows, differential, covered, excess, mask)
                    store(sums, 0, total)
                for lane in range(count):
                    largest[i] = max(largest[i], int64(sums[lane]) >> slices[s, 0])
        whole[i] = covered or _all_set(marks)


@njit(forceinline=True)
def _sums(
    cells: NDArray[np.int8], first: int, programmed: Bytes, place: int, stride: int, rows: int, differential: int,
    covered: bool, excess: int, mask: int,
) -> Lanes:  # fmt: skip
    """The sums of sixteen columns, whose cells begin at `first` and their marks at `place`."""
    total, flip, chosen = splat(uint32(0)), splat(uint32(excess)), splat(uint32(mask))
    if differential:
        sign, shift, all_bits = splat(uint32(1 << BITS - 1)), splat(uint32(BITS)), splat(uint32((1 << BITS) - 1))
        all_ones = splat(uint32(0xFFFFFFFF))
        for r in range(rows):
            weight = load_bytes(cells, first + r * stride)
            negative = splat(uint32(0)) - ((weight & sign) >> splat(uint32(BITS - 1)))  # all bits, or none
            magnitude = ((weight ^ negative) - negative) & all_bits
            total += ((magnitude & (negative ^ all_ones)) | ((magnitude & negative) << shift)) & chosen
        return total
    for r in range(rows):
        cell = load_bytes(cells, first + r * stride) ^ flip
        if not covered:
            cell = cell & load_bytes(programmed, place + r * stride)
        total += cell & chosen
    return total


@njit
def _add_some(
    cells: NDArray[np.int8], marks: Bytes, differential: int, covered: bool, excess: int, mask: int, count: int,
    sums: Words,
) -> None:  # fmt: skip
    """As `_sums`, of fewer than sixteen columns, for `sums` to which they are added."""
    for r in range(cells.shape[0]):
        for c in range(count):
            weight = int64(cells[r, c])
            code = (weight ^ excess) & (255 if covered else int64(marks[r, c]))
            if differential:
                code = max(weight, 0) | max(-weight, 0) << BITS
            sums[c] += uint32(code & mask)


@njit
def _all_set(marks: NDArray[np.uint8]) -> bool:
    for r in range(marks.shape[0]):
        for c in range(marks.shape[1]):
            if not marks[r, c]:
                return False
    return True


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
