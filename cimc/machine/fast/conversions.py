"""The compiled loop of all pieces that are not exact: every conversion of every ADC.

The analog sums of 256 or 512 columns are counted at once, one bit of each in a vector (full_adders.py): of the rows
that an input drives, and of no others. In this form they are clipped with a few instructions, and added up over planes.
"""

from typing import Any

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.bit_blocks import COLUMNS, vector_words
from cimc.machine.fast.full_adders import WIDEST, add_rows, majority, parity, ripple
from cimc.machine.fast.lanes import (
    LANES,
    Lanes,
    Words,
    any_set,
    load_like,
    narrow_splat,
    ones_in,
    prefetch,
    splat,
    splat_like,
    store,
    width,
)
from cimc.machine.fast.row_lists import INPUT_BITS
from cimc.machine.fast.transposing import add_weighted, transpose
from cimc.machine.fast.words import Digits

LEVELS = 48
"""Room for the bits of a sum."""

widest_splat = splat if WIDEST == LANES else narrow_splat


@njit
def add_conversions(
    piece: Any, cells: Words, lists: Words, starts: NDArray[np.int64], planes: Digits, slices: Digits, vectors: int,
    y: Words, n: int, stride: int, counters: tuple[Words, Words, Words, Words],
) -> int:  # fmt: skip
    """y[t * stride + n + c] += the weighted codes of all conversions, for every vector t; returns how many clip.

    `lists` and `starts` are those of `list_rows`. `counters` is room for four numbers of a vector.
    """
    columns, position, rows = int64(piece["columns"]), int64(piece["first"]), int64(piece["rows"])
    words, clipped, first = (columns + COLUMNS - 1) // COLUMNS, 0, 0
    factors, total = counters[3], len(slices) * words
    converter, outputs = (int64(piece["adc_bits"]), int64(piece["adc_shift"])), (n, stride)
    while first < total:
        s, word = first // words, first % words
        for lane in range(LANES):
            factors[lane] = 0 if first + lane >= total else uint32(slices[min(s, len(slices) - 1), 2])
            word += 1
            if word == words:
                s, word = s + 1, 0
        bits = slices[first // words, 1]
        where = (position, rows, columns, words, first, min(total, first + LANES))
        if vector_words(total - first) == WIDEST:
            clipped += _add_block(
                widest_splat(uint32(0)), cells, where, bits, lists, starts, planes, converter, vectors, y, outputs,
                counters,
            )  # fmt: skip
        else:
            clipped += _add_block(
                narrow_splat(uint32(0)), cells, where, bits, lists, starts, planes, converter, vectors, y, outputs,
                counters,
            )  # fmt: skip
        position += bits * (rows + 1) * vector_words(total - first)
        first += vector_words(total - first)
    return clipped


@njit
def _add_block(
    zero: Lanes, cells: Words, where: tuple[int, int, int, int, int, int], bits: int, lists: Words,
    starts: NDArray[np.int64], planes: Digits, converter: tuple[int, int], vectors: int, y: Words,
    outputs: tuple[int, int], counters: tuple[Words, Words, Words, Words],
) -> int:  # fmt: skip
    """Adds what the block of one vector gives: cells of `bits` bits in every column of some slices."""
    position, rows, columns, words, first, last = where
    adc_bits, adc_shift = converter
    n, stride = outputs
    counter, common, sums, factors = counters
    size = (rows + 1) * width(zero)
    top = _bits_of(rows * ((1 << planes[0, 1]) - 1) * ((1 << bits) - 1))
    code_bits = min(top + 1, adc_bits + adc_shift)
    end = min(32, INPUT_BITS + code_bits)
    signed = planes[-1, 2] < 0
    clipped = 0
    for t in range(vectors):
        for level in range(end):
            store(sums, level * width(zero), zero)
        for p in range(len(planes)):
            if t == 0:
                _prefetch_share(cells, position + bits * size, bits * size, p)
            _count(zero, cells, position, size, bits, lists, starts, t, planes, p, top, counter, common)
            if planes[p, 2] < 0:
                _invert(zero, sums, end)
            clipped += _add_codes(zero, counter, top, adc_bits, adc_shift, sums, planes[p, 0], end)
            if planes[p, 2] < 0:
                _invert(zero, sums, end)
        rest = load_like(zero, sums, (end - 1) * width(zero)) if signed else zero
        for level in range(end, 32 if signed or end > 16 else 16):
            store(sums, level * width(zero), rest)
        transpose(zero, sums, end <= 16 and not signed)
        add_weighted(zero, sums, factors, words, first, last, columns, y, n + t * stride)
    return clipped


@njit
def _count(
    zero: Lanes, cells: Words, position: int, size: int, bits: int, lists: Words, starts: NDArray[np.int64],
    t: int, planes: Digits, p: int, top: int, counter: Words, common: Words,
) -> None:  # fmt: skip
    """The counter gets the analog sums of plane p.

    Planes of one bit share the sum over the rows where the other of the pair is driven as well; it is in `common`.
    """
    single, begin = planes[0, 1] == 1, 0
    if single and planes[p, 0] % 2:
        _copy(zero, common, counter, top + 1)
        begin = 1
    else:
        for level in range(top + 5):
            store(counter, level * width(zero), zero)
    for k in range(begin, 2 * planes[p, 1]):
        bit = planes[p, 0] + k // 2
        i = bit // 2 * 3 + (1 + bit % 2 if k % 2 else 0)
        first, last = starts[t, i], starts[t, i + 1]
        if last > first:
            for b in range(bits):
                add_rows(zero, cells, position + b * size, lists, first, last, counter, k // 2 + b, top)
        if single and k == 0:
            _copy(zero, counter, common, top + 1)


@njit(forceinline=True)
def _add_codes(
    zero: Lanes,
    counter: Words,
    top: int,
    adc_bits: int,
    adc_shift: int,
    sums: Words,
    level: int,
    end: int,
) -> int:
    """Converts a counter and adds it to another from `level` of it on; returns how many conversions clip."""
    step, over, clipped, codes = width(zero), zero, 0, top
    if adc_shift:
        ripple(counter, adc_shift - 1, top + 1, splat_like(zero, uint32(0xFFFFFFFF)))
        codes += 1
    codes -= adc_shift
    if codes > adc_bits:
        for place in range((adc_shift + adc_bits) * step, (adc_shift + codes) * step, step):
            over |= load_like(zero, counter, place)
        if any_set(over):
            clipped = int64(ones_in(over))
        codes = adc_bits
    carry, begin = zero, level + adc_shift
    codes = min(codes, end - begin)
    for code in range(codes):
        a, b = load_like(zero, sums, (begin + code) * step), load_like(zero, counter, (adc_shift + code) * step) | over
        store(sums, (begin + code) * step, parity(a, b, carry))
        carry = majority(a, b, carry)
    ripple(sums, begin + max(0, codes), end, carry)
    return clipped


@njit(forceinline=True)
def _copy(like: Lanes, source: Words, target: Words, levels: int) -> None:
    for place in range(0, levels * width(like), width(like)):
        store(target, place, load_like(like, source, place))


@njit(forceinline=True)
def _invert(like: Lanes, numbers: Words, levels: int) -> None:
    """-1 - each number: so that adding to it subtracts, if it is inverted again."""
    every = splat_like(like, uint32(0xFFFFFFFF))
    for place in range(0, levels * width(like), width(like)):
        store(numbers, place, load_like(like, numbers, place) ^ every)


@njit(forceinline=True)
def _prefetch_share(cells: Words, position: int, words: int, share: int) -> None:
    """Asks for one eighth of the memory that is needed next."""
    part = (words + 7) // 8
    for place in range(position + part * share, position + part * (share + 1), LANES):
        prefetch(cells, place)


@njit
def _bits_of(number: int) -> int:
    """How many bits a number has."""
    result = 0
    while number:
        number >>= 1
        result += 1
    return result
