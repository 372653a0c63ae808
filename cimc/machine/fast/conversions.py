"""The compiled loop of all other pieces: every conversion of every ADC, its sum taken by counting bits.

Columns are packed in blocks of 16 and rows in words of 32; a vector holds one bit of the cells of 32 rows of each
column of a block. `count_bits(cells & inputs)` is then the analog sum of 16 columns over 32 rows for one bit of the
inputs and one bit of the cells. A block has the bits of its slices in order, the highest bit of a slice first, and
after them, in pieces that are not `whole`, which cells are programmed. Memory is read from its first word to its last.
"""

from typing import Any

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.lanes import (
    LANES,
    Bytes,
    Words,
    count_bits,
    count_larger,
    gather_bit,
    load,
    load_splat,
    minimum,
    ones,
    prefetch,
    splat,
    store,
    total,
)

AHEAD = 2048
"""How many words before they are needed memory is asked for them."""
ROWS = 32
"""Rows that share a word."""
INPUT_BITS = 8

Digits = NDArray[np.int64]
"""int64 [digits, (first bit, bits, significance)]: planes of inputs, or slices of cells."""


@njit(forceinline=True)
def pack_inputs(
    x: Bytes, first: int, stride: int, vectors: int, rows: int, signed: bool, bits: Words, sums: Words
) -> None:
    """bits[t, word, bit] gets one bit of the inputs of 32 rows of vector t; sums[t] is the sum of these inputs.

    Inputs begin at x[first + t * stride]; up to 31 bytes behind the last row are read. Bits behind it are 0.
    """
    words = (rows + ROWS - 1) // ROWS
    last = uint32(uint32(0xFFFFFFFF) >> uint32(ROWS * words - rows))
    for t in range(vectors):
        for word in range(words):
            mask = last if word == words - 1 else uint32(0xFFFFFFFF)
            for bit in range(INPUT_BITS):
                gathered = gather_bit(x, first + t * stride + ROWS * word, 1 << bit)
                bits[(t * words + word) * INPUT_BITS + bit] = gathered & mask
        result = 0
        for r in range(rows):
            result += x[first + t * stride + r]
        if signed:
            for word in range(words):
                result -= 256 * int64(ones(bits[(t * words + word) * INPUT_BITS + INPUT_BITS - 1]))
        sums[t] = uint32(result)


@njit(forceinline=True)
def add_conversions(
    piece: Any,
    cells: Words,
    bits: Words,
    input_sums: Words,
    planes: Digits,
    slices: Digits,
    factors: Words,
    excess: int,
    vectors: int,
    y: Words,
    n: int,
    width: int,
    counts: Words,
) -> int:
    """y[t * width + n + c] += the weighted codes of all conversions, for every vector t; returns how many clip.

    `bits` and `input_sums` are those of `pack_inputs`, `counts` is room for 8 vectors. `factors` [slices + 1, 8] are
    what the codes of planes are worth, and in the last row what is to be added for each input of a programmed cell, so
    that it is worth `excess` less. As in `add_products`, 15 more elements of y may be written.
    """
    position, columns, whole = int64(piece["first"]), int64(piece["columns"]), int64(piece["whole"])
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
            if excess and whole:
                sums -= splat(uint32(excess * input_sums[t]))
            for s in range(slices.shape[0] + (1 - whole)):
                is_mask = s == slices.shape[0]
                cell_bits = 1 if is_mask else slices[s, 1]
                end = _count(cells, end, cell_bits, words, bits, t * words * INPUT_BITS, counts)
                _combine(counts, planes)
                for p in range(planes.shape[0]):
                    code = load(counts, p * LANES)
                    if not is_mask:
                        if adc_shift:
                            code = code + half >> shift
                        clipped = count_larger(clipped, code, limit)
                        code = minimum(code, limit)
                        if adc_shift:
                            code = code << shift
                    sums += code * load_splat(factors, s * INPUT_BITS + p)
            store(y, n + column + t * width, sums)
        position = end
    return total(clipped)


@njit(forceinline=True)
def _combine(counts: Words, planes: Digits) -> None:
    """counts[p], which was the sum for bit p of the inputs, becomes that of plane p."""
    if planes.shape[0] == INPUT_BITS:
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
