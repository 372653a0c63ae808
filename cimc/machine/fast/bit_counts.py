"""The compiled loop of pieces with few rows whose conversions are executed: the analog sums taken by counting bits.

Columns are packed in blocks of 16 and rows in words of 32; a vector holds one bit of the cells of 32 rows of each
column of a block. `count_bits(cells & inputs)` is then the analog sum of 16 columns over 32 rows for one bit of the
inputs and one bit of the cells. A block has the bits of its slices in order, the highest bit of a slice first. Memory
is read from its first word to its last.
"""

from typing import Any

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.byte_products import has_features
from cimc.machine.fast.compiled import kept
from cimc.machine.fast.lanes import (
    LANES,
    Words,
    count_bits,
    count_larger,
    load,
    load_splat,
    minimum,
    prefetch,
    splat,
    store,
    total,
)
from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.row_lists import INPUT_BITS, ROWS
from cimc.machine.fast.words import Digits

AHEAD = 2048
"""How many words before they are needed memory is asked for them."""
FEW_ROWS = 64 if has_features("avx512vpopcntdq") else 0
"""With so many rows at most, bits are counted: where that is one instruction, it is faster than logic then."""


@njit(forceinline=True)
def add_counted(
    piece: Any,
    cells: Words,
    bits: Words,
    planes: Digits,
    slices: Digits,
    vectors: int,
    y: Words,
    n: int,
    width: int,
    counts: Words,
) -> int:
    """y[t * width + n + c] += the weighted codes of all conversions, for every vector t; returns how many clip.

    `bits` [vectors, words, 8] are those of `list_rows`, `counts` is room for 8 vectors. As in `add_products`, 15 more
    elements of y may be written.
    """
    position, columns = int64(piece["first"]), int64(piece["columns"])
    words = (int64(piece["rows"]) + ROWS - 1) // ROWS
    adc_bits, adc_shift = int64(piece["adc_bits"]), int64(piece["adc_shift"])
    clipped = splat(uint32(0))
    limit, half, shift = (
        splat(uint32((1 << adc_bits) - 1)),
        splat(uint32(1 << adc_shift >> 1)),
        splat(uint32(adc_shift)),
    )
    for column in range(0, columns, LANES):
        end = position
        for t in range(vectors):
            end = position
            sums = load(y, n + column + t * width)
            for s in range(slices.shape[0]):
                end = _count(cells, end, slices[s, 1], words, bits, t * words * INPUT_BITS, counts)
                _combine(counts, planes)
                for p in range(planes.shape[0]):
                    code = load(counts, p * LANES)
                    if adc_shift:
                        code = code + half >> shift
                    clipped = count_larger(clipped, code, limit)
                    code = minimum(code, limit)
                    if adc_shift:
                        code = code << shift
                    sums += code * splat(uint32(slices[s, 2] * planes[p, 2]))
            store(y, n + column + t * width, sums)
        position = end
    return total(clipped)


@njit(forceinline=True)
def _combine(counts: Words, planes: Digits) -> None:
    """counts[p], which was the sum for bit p of the inputs, becomes that of plane p."""
    if planes[0, 1] == 1:
        return
    for p in range(planes.shape[0]):
        code = load(counts, planes[p, 0] * LANES)
        for i in range(1, planes[p, 1]):
            code += load(counts, (planes[p, 0] + i) * LANES) << splat(uint32(i))
        store(counts, p * LANES, code)


@njit(forceinline=True)
def _count(cells: Words, position: int, cell_bits: int, words: int, bits: Words, inputs: int, counts: Words) -> int:
    """counts[i] gets the sums of the cells of one slice over the rows where bit i of the input is set.

    Returns the position behind the slice. Loops over a known number of words need no counter.
    """
    if words == 8:
        return _count_words(cells, position, cell_bits, 8, bits, inputs, counts)
    if words == 2:
        return _count_words(cells, position, cell_bits, 2, bits, inputs, counts)
    if words == 1:
        return _count_words(cells, position, cell_bits, 1, bits, inputs, counts)
    return _count_words(cells, position, cell_bits, words, bits, inputs, counts)


@njit(forceinline=True)
def _count_words(
    cells: Words, position: int, cell_bits: int, words: int, bits: Words, inputs: int, counts: Words
) -> int:
    c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = splat(uint32(0))
    for b in range(cell_bits):
        if b:
            c0, c1, c2, c3 = c0 + c0, c1 + c1, c2 + c2, c3 + c3
            c4, c5, c6, c7 = c4 + c4, c5 + c5, c6 + c6, c7 + c7
        for word in range(words):
            prefetch(cells, position + AHEAD)
            cell, source = load(cells, position), inputs + INPUT_BITS * word
            c0 += count_bits(cell & load_splat(bits, source))
            c1 += count_bits(cell & load_splat(bits, source + 1))
            c2 += count_bits(cell & load_splat(bits, source + 2))
            c3 += count_bits(cell & load_splat(bits, source + 3))
            c4 += count_bits(cell & load_splat(bits, source + 4))
            c5 += count_bits(cell & load_splat(bits, source + 5))
            c6 += count_bits(cell & load_splat(bits, source + 6))
            c7 += count_bits(cell & load_splat(bits, source + 7))
            position += LANES
    store(counts, 0, c0)
    store(counts, LANES, c1)
    store(counts, 2 * LANES, c2)
    store(counts, 3 * LANES, c3)
    store(counts, 4 * LANES, c4)
    store(counts, 5 * LANES, c5)
    store(counts, 6 * LANES, c6)
    store(counts, 7 * LANES, c7)
    return position


def counted_words(rows: NDArray[np.int64], columns: NDArray[np.int64], bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many words the cells of such pieces take, with so many bits of each cell."""
    return -(-columns // LANES) * LANES * -(-rows // ROWS) * bits


@kept
def pack_words(codes: NDArray[np.uint16], pieces: Pieces, slices: Digits, image: Words) -> None:
    """Packs those pieces of one array that have few rows."""
    for i in range(len(pieces)):
        if pieces[i]["exact"] or not pieces[i]["few"]:
            continue
        row, column = int64(pieces[i]["row"]), int64(pieces[i]["column"])
        rows, columns = int64(pieces[i]["rows"]), int64(pieces[i]["columns"])
        words, position = (rows + ROWS - 1) // ROWS, int64(pieces[i]["first"])
        for start in range(0, columns, LANES):
            for s in range(len(slices)):
                for bit in range(slices[s, 0] + slices[s, 1] - 1, slices[s, 0] - 1, -1):
                    for r in range(rows):
                        place = position + r // ROWS * LANES
                        for c in range(min(LANES, columns - start)):
                            value = uint32(codes[row + r, column + start + c] >> bit & 1)
                            image[place + c] |= uint32(value << uint32(r % ROWS))
                    position += words * LANES
