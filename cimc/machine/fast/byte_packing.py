"""The compiled loop that packs the cells of exact pieces: as bytes, in the order in which products read them."""

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.lanes import load, load_bytes, splat, store
from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.products import FOUR_BLOCKS
from cimc.machine.fast.words import LANES, Words


def pack_bytes(cells: NDArray[np.int8], pieces: Pieces, image: Words, column_sums: Words) -> None:
    """Packs exact pieces of arrays [arrays, rows, columns]: words of four rows, for 16 or 64 columns in turn.

    Words and sums are 0 before.
    """
    _, height, stride = cells.shape
    for i in range(len(pieces)):
        if not pieces[i]["exact"]:
            continue
        row, rows = int64(pieces[i]["row"]), int64(pieces[i]["rows"])
        array, column, columns = int64(pieces[i]["array"]), int64(pieces[i]["column"]), int64(pieces[i]["columns"])
        position, sums, start = int64(pieces[i]["first"]), int64(pieces[i]["sums"]), 0
        while start < columns:
            width = FOUR_BLOCKS if columns - start > 3 * LANES else LANES
            count = min(width, columns - start)
            first = (array * height + row) * stride + column + start
            full = count // LANES * LANES
            for c in range(0, full, LANES):
                _pack_block(cells, first + c, stride, rows, image, position + c, width, column_sums, sums + start + c)
            if full < count:
                block = cells[array, row : row + rows, column + start + full : column + start + count]
                _pack_some(block, image[position + full :], width, column_sums[sums + start + full :])
            position += (rows + 3) // 4 * width
            start += width


@njit(forceinline=True)
def _pack_block(
    cells: NDArray[np.int8], first: int, stride: int, rows: int, words: Words, position: int, width: int, sums: Words,
    sum_place: int,
) -> None:  # fmt: skip
    """Packs all rows of sixteen columns; four of them are a word, the first one lowest."""
    byte, sign = splat(uint32(8)), splat(uint32(128))
    total = load(sums, sum_place)
    for r in range(0, rows, 4):
        word = splat(uint32(0))
        for i in range(min(rows - r, 4) - 1, -1, -1):
            cell = load_bytes(cells, first + (r + i) * stride)
            word = word << byte | cell
            total += (cell ^ sign) - sign  # as a signed number
        store(words, position + r // 4 * width, word)
    store(sums, sum_place, total)


@njit
def _pack_some(cells: NDArray[np.int8], words: Words, width: int, sums: Words) -> None:
    """As `_pack_block`, of fewer columns."""
    for r in range(cells.shape[0]):
        for c in range(cells.shape[1]):
            cell = uint32(cells[r, c])
            words[r // 4 * width + c] |= (cell & uint32(255)) << uint32(r % 4 * 8)
            sums[c] += cell
