"""The compiled loop over pieces: what one thread of the fast engine does."""

import numpy as np
from numba import int64, njit
from numpy.typing import NDArray

from cimc.machine.conversions import INPUT_BITS, ROWS, Digits, add_conversions, pack_inputs
from cimc.machine.lanes import LANES, Words
from cimc.machine.pieces import Pieces
from cimc.machine.products import add_products, subtract_excess

_TOGETHER = 64
"""Vectors whose inputs are packed at a time."""
_SIGN = 128
"""What is added to signed inputs, whose products are taken of unsigned bytes, and then subtracted again."""
_BEHIND = 32
"""Bytes behind the inputs of a vector, and words behind all sums, that the loops may touch."""


@njit(cache=True, nogil=True)
def execute(
    pieces: Pieces,
    start: int,
    stop: int,
    image: Words,
    column_sums: Words,
    planes: Digits,
    slices: Digits,
    excess: int,
    signed: bool,
    x: NDArray[np.uint8],
    y: NDArray[np.int32],
) -> int:
    """Executes pieces start to stop - 1: y [vectors, N] += x [vectors, K] * cells; counts clipped conversions.

    `x` holds the bytes of the inputs; `signed` tells what they mean.
    """
    vectors, stride, width = x.shape[0], x.shape[1] + _BEHIND, y.shape[1]
    inputs = np.zeros(vectors * stride, np.uint8)
    for t in range(vectors):
        inputs[t * stride : t * stride + x.shape[1]] = x[t]
    shifted = inputs ^ np.uint8(_SIGN) if signed else inputs
    sums = np.zeros(vectors * width + _BEHIND, np.uint32)
    together = min(vectors, _TOGETHER)
    bits = np.zeros(together * _most_words(pieces[start:stop]) * INPUT_BITS, np.uint32)
    input_sums, counts = np.zeros(together, np.uint32), np.zeros(INPUT_BITS * LANES, np.uint32)
    clipped = 0
    for i in range(start, stop):
        piece = pieces[i]
        first, k, n = piece["first"], int64(piece["k"]), int64(piece["n"])
        rows, columns = int64(piece["rows"]), int64(piece["columns"])
        if piece["exact"]:
            add_products(image, first, (rows + 3) // 4, columns, shifted, k, stride, vectors, sums, n, width)
            if signed:
                subtract_excess(column_sums, piece["sums"], columns, _SIGN, vectors, sums, n, width)
            continue
        for t in range(0, vectors, _TOGETHER):
            count = min(_TOGETHER, vectors - t)
            pack_inputs(inputs, k + t * stride, stride, count, rows, planes, bits, input_sums)
            clipped += add_conversions(
                image,
                first,
                rows,
                columns,
                int64(piece["adc_bits"]),
                int64(piece["adc_shift"]),
                int64(piece["whole"]),
                bits,
                input_sums,
                planes,
                slices,
                excess,
                count,
                sums,
                n + t * width,
                width,
                counts,
            )
    for t in range(vectors):
        for c in range(width):
            y[t, c] += np.int32(sums[t * width + c])
    return clipped


@njit(cache=True, nogil=True)
def _most_words(pieces: Pieces) -> int:
    """How many words the packed inputs of the highest piece take."""
    rows = 0
    for i in range(len(pieces)):
        if not pieces[i]["exact"]:
            rows = max(rows, int64(pieces[i]["rows"]))
    return (rows + ROWS - 1) // ROWS
