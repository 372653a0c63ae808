"""Compiled loops over records: plain integer products, ADC sums by counting bits, and the bound between the two.

A job is the row of int64 numbers JOB_FIELDS of one MULTIPLY record. All arithmetic is modulo 2**64 and stored modulo
2**32, which is int32 with wrap-around. uint64 must not meet int64 here: numba would make float64 of them.
"""

import numpy as np
from numba import njit, uint32, uint64
from numpy.typing import NDArray

JOB_FIELDS = ("array", "k", "n", "row", "column", "rows", "columns", "adc_bits", "adc_shift")
WORD = 64
"""Rows of an array that share a word in the bit-packed form."""


@njit(cache=True)
def largest_sums(
    codes: NDArray[np.uint16],
    firsts: NDArray[np.int64],
    widths: NDArray[np.int64],
    jobs: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """out[i] = largest sum of one slice's cells in one column of job i; `codes` [rows, columns] is its array."""
    sums = np.zeros(codes.shape[1], np.int64)
    for i in range(jobs.shape[0]):
        row, column, rows, columns = jobs[i, 3], jobs[i, 4], jobs[i, 5], jobs[i, 6]
        largest = 0
        for s in range(firsts.shape[0]):
            first, mask = firsts[s], (1 << widths[s]) - 1
            sums[:columns] = 0
            for r in range(row, row + rows):
                for c in range(columns):
                    sums[c] += codes[r, column + c] >> first & mask
            largest = max(largest, sums[:columns].max())
        out[i] = largest


@njit(cache=True)
def pack_bits(codes: NDArray[np.uint16], image: NDArray[np.uint64]) -> None:
    """image[bit, word, column] gets one bit of the codes [rows, columns] of WORD rows, the first row lowest."""
    for bit in range(image.shape[0]):
        for r in range(codes.shape[0]):
            for c in range(codes.shape[1]):
                image[bit, r // WORD, c] |= uint64(codes[r, c] >> bit & 1) << uint64(r % WORD)


@njit(cache=True)
def add_products(
    jobs: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    arrays: NDArray[np.int8],
    x: NDArray[np.int16],
    y: NDArray[np.int32],
) -> None:
    """For the chosen jobs: y[vectors, n...] += x[vectors, k...] @ weights."""
    for i in range(jobs.shape[0]):
        if not chosen[i]:
            continue
        array, k, n, row, column = jobs[i, 0], jobs[i, 1], jobs[i, 2], jobs[i, 3], jobs[i, 4]
        rows, columns = jobs[i, 5], jobs[i, 6]
        for t in range(x.shape[0]):
            sums = y[t, n : n + columns]
            for r in range(rows):
                factor = x[t, k + r]
                weights = arrays[array, row + r, column : column + columns]
                for c in range(columns):
                    sums[c] += factor * weights[c]


@njit(cache=True)
def _count(word: int) -> int:
    """Bits set in a 64-bit word; LLVM knows this idiom and makes one (vector) instruction of it."""
    word -= word >> uint64(1) & uint64(0x5555555555555555)
    word = (word & uint64(0x3333333333333333)) + (word >> uint64(2) & uint64(0x3333333333333333))
    word = word + (word >> uint64(4)) & uint64(0x0F0F0F0F0F0F0F0F)
    return word * uint64(0x0101010101010101) >> uint64(56)


@njit(cache=True)
def _pack_inputs(x: NDArray[np.uint8], k: int, rows: int, offset: int, bits: NDArray[np.uint64]) -> None:
    """bits[vector, bit, word] gets x[vector, k : k + rows], shifted by `offset` rows."""
    bits[:] = 0
    for t in range(x.shape[0]):
        for r in range(rows):
            word, place = (offset + r) // WORD, uint64((offset + r) % WORD)
            for bit in range(8):
                bits[t, bit, word] |= uint64(x[t, k + r] >> bit & 1) << place


@njit(cache=True)
def _add_counts(inputs: NDArray[np.uint64], cells: NDArray[np.uint64], weight: int, sums: NDArray[np.uint64]) -> None:
    """sums[column] += 2**weight * number of rows where inputs [words] and cells [words, columns] are both set."""
    for word in range(inputs.shape[0]):
        active = inputs[word]
        if active == uint64(0):
            continue
        for c in range(sums.shape[0]):
            sums[c] += _count(active & cells[word, c]) << uint64(weight)


@njit(cache=True)
def _add_codes(sums: NDArray[np.uint64], limit: int, shift: int, significance: int, y: NDArray[np.uint32]) -> int:
    """y += significance * ADC(sums); returns how many conversions clip."""
    limit, shift, significance = uint64(limit), uint64(shift), uint64(significance)
    half = uint64(1) << shift >> uint64(1)
    clipped = 0
    for c in range(sums.shape[0]):
        code = sums[c] + half >> shift
        clipped += code > limit
        y[c] = uint32(uint64(y[c]) + significance * (min(code, limit) << shift))
    return clipped


@njit(cache=True)
def add_conversions(
    jobs: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    images: NDArray[np.uint64],
    image_of: NDArray[np.int64],
    planes: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    slices: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    excess: int,
    x: NDArray[np.uint8],
    y: NDArray[np.uint32],
) -> int:
    """For the chosen jobs every conversion, one by one; returns how many clip.

    `images` [image, bit, word, column] are the bit-packed arrays, `image_of` tells the image of an array; the bit after
    the last one of a code tells whether a weight is programmed.
    """
    clipped = 0
    words, code_bits = images.shape[2], images.shape[1] - 1
    packed = np.zeros((x.shape[0], 8, words), np.uint64)
    buffer = np.zeros(images.shape[3], np.uint64)
    for i in range(jobs.shape[0]):
        if not chosen[i]:
            continue
        array, k, n, row, column = jobs[i, 0], jobs[i, 1], jobs[i, 2], jobs[i, 3], jobs[i, 4]
        rows, columns, limit, shift = jobs[i, 5], jobs[i, 6], (1 << jobs[i, 7]) - 1, jobs[i, 8]
        first, last = row // WORD, (row + rows - 1) // WORD + 1
        cells = images[image_of[array], :, first:last, column : column + columns]
        inputs = packed[:, :, : last - first]
        sums = buffer[:columns]
        _pack_inputs(x, k, rows, row % WORD, inputs)
        for t in range(x.shape[0]):
            target = y[t, n : n + columns]
            for p in range(planes[0].shape[0]):
                for s in range(slices[0].shape[0]):
                    sums[:] = 0
                    for a in range(planes[1][p]):
                        for b in range(slices[1][s]):
                            _add_counts(inputs[t, planes[0][p] + a], cells[slices[0][s] + b], a + b, sums)
                    clipped += _add_codes(sums, limit, shift, planes[2][p] * slices[2][s], target)
            if excess:
                for p in range(planes[0].shape[0]):
                    sums[:] = 0
                    for a in range(planes[1][p]):
                        _add_counts(inputs[t, planes[0][p] + a], cells[code_bits], a, sums)
                    _add_codes(sums, 1 << 32, 0, -excess * planes[2][p], target)
    return clipped
