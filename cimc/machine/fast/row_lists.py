"""Which rows are driven: lists of the rows where bits of the inputs are set.

Bits are taken in pairs, and of each pair three lists are made: rows where both are set, where only the lower one is,
and where only the higher one is. The sum over the first serves both bits, so that of 256 rows with random inputs 192
are added for two bits instead of 256, and never more than all of them.
"""

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.full_adders import ENTRY
from cimc.machine.fast.lanes import NARROW, Bytes, Words, gather_bit, load_like, narrow_splat, ones, store

ROWS = 32
"""Rows whose bits are gathered at a time."""
INPUT_BITS = 8
LISTS = 3 * INPUT_BITS // 2
"""Lists of a vector: 3 * pair, and 1 more for the rows of the lower bit alone, and 2 for those of the higher one."""
_PLACES = np.array(
    [(*(i for i in range(8) if byte >> i & 1), *[0] * (8 - byte.bit_count())) for byte in range(256)], np.uint32
).reshape(-1) * np.uint32(ENTRY)


@njit
def list_room(words: int) -> int:
    """How many entries the lists of one vector take at most, for so many words of rows."""
    return INPUT_BITS // 2 * (ROWS * words + 3 * NARROW) + NARROW


@njit
def list_rows(
    x: Bytes, first: int, stride: int, vectors: int, rows: int, signed: bool, listed: bool,
    bits: Words, lists: Words, starts: NDArray[np.int64], sums: Words,
) -> None:  # fmt: skip
    """Lists the rows of `vectors` vectors; list i of vector t goes from starts[t, i] to starts[t, i + 1].

    Inputs begin at x[first + t * stride]; up to 31 bytes behind the last row are read. Lists have multiples of 8
    entries, the last ones of which may name the row of zeros behind the last row. sums[t] is the sum of the inputs.
    `bits` [vectors, words, 8] gets the bits themselves.
    With `listed` false there are no lists.
    """
    words = (rows + ROWS - 1) // ROWS
    fill = narrow_splat(rows * ENTRY)
    for t in range(vectors):
        place = t * words * INPUT_BITS
        _gather(x, first + t * stride, rows, words, bits, place)
        sums[t] = _sum(bits, place, words, signed)
        if not listed:
            continue
        end = t * list_room(words)
        for i in range(LISTS):
            starts[t, i] = end
            for word in range(words):
                pair = place + word * INPUT_BITS + i // 3 * 2
                low, high = bits[pair], bits[pair + 1]
                chosen = low & high if i % 3 == 0 else low & ~high if i % 3 == 1 else high & ~low
                end = _append(lists, end, uint32(chosen), ROWS * word)
            store(lists, end, fill)
            end += -end % NARROW
        starts[t, LISTS] = end


@njit(forceinline=True)
def _sum(bits: Words, first: int, words: int, signed: bool) -> int:
    """The sum of the inputs, from their bits."""
    result = 0
    for bit in range(INPUT_BITS):
        count = 0
        for word in range(words):
            count += int64(ones(bits[first + word * INPUT_BITS + bit]))
        result += -count << bit if signed and bit == INPUT_BITS - 1 else count << bit
    return uint32(result)


@njit(forceinline=True)
def _gather(x: Bytes, first: int, rows: int, words: int, bits: Words, place: int) -> None:
    """bits[word, bit], from `place` on, gets one bit of the inputs of 32 rows; those behind the last row are 0."""
    last = uint32(uint32(0xFFFFFFFF) >> uint32(ROWS * words - rows))
    for word in range(words):
        mask = last if word == words - 1 else uint32(0xFFFFFFFF)
        for bit in range(INPUT_BITS):
            bits[place + word * INPUT_BITS + bit] = gather_bit(x, first + ROWS * word, 1 << bit) & mask


@njit(forceinline=True)
def _append(lists: Words, end: int, bits: int, row: int) -> int:
    """Appends row + i for each bit i that is set; returns the new end. Up to 8 entries more are written."""
    for place in range(0, ROWS, 8):
        byte = int64(bits >> uint32(place) & uint32(0xFF))
        base = narrow_splat((row + place) * ENTRY)
        store(lists, end, load_like(base, _PLACES, NARROW * byte) + base)
        end += int64(ones(uint32(byte)))
    return end
