"""The compiled loop over pieces: what one thread of the fast engine does."""

import numpy as np
from numba import njit, uint32

from cimc.machine.conversions import INPUT_BITS, ROWS, Digits, add_conversions, pack_inputs
from cimc.machine.lanes import LANES, Bytes, Words
from cimc.machine.pieces import Pieces
from cimc.machine.products import add_products, subtract_excess

_TOGETHER = 64
"""Vectors whose inputs are packed at a time."""
_SHIFT = 128
"""What `shifted` inputs are larger than signed ones."""


@njit(cache=True, nogil=True)
def execute(
    pieces: Pieces,
    image: Words,
    column_sums: Words,
    planes: Digits,
    slices: Digits,
    excess: int,
    signed: bool,
    inputs: Bytes,
    shifted: Bytes,
    y: Words,
    width: int,
) -> int:
    """Adds the products of pieces to y [vectors, width], as if that were one row after the other; counts clipping.

    `inputs` and `shifted` uint8 [vectors, length + 32] are the bytes of the inputs, and the same with 128 added where
    they are signed; `y` needs 15 elements behind its last one.
    """
    vectors, stride = inputs.shape
    inputs, shifted = inputs.reshape(-1), shifted.reshape(-1)
    together = min(vectors, _TOGETHER)
    most = 0
    for i in range(len(pieces)):
        if not pieces[i]["exact"]:
            most = max(most, np.int64(pieces[i]["rows"]))
    bits = np.zeros(together * ((most + ROWS - 1) // ROWS) * INPUT_BITS, np.uint32)
    sums = np.zeros(together, np.uint32)
    counts = np.zeros(INPUT_BITS * LANES, np.uint32)
    clipped = 0
    for i in range(len(pieces)):
        piece = pieces[i]
        first, k, n = piece["first"], np.int64(piece["k"]), np.int64(piece["n"])
        rows, columns = np.int64(piece["rows"]), np.int64(piece["columns"])
        if piece["exact"]:
            add_products(image, first, (rows + 3) // 4, columns, shifted, k, stride, vectors, y, n, width)
            if signed:
                subtract_excess(column_sums, piece["sums"], columns, _SHIFT, vectors, y, n, width)
            continue
        for start in range(0, vectors, _TOGETHER):
            count = min(_TOGETHER, vectors - start)
            pack_inputs(inputs, k + start * stride, stride, count, rows, planes, bits, sums)
            clipped += add_conversions(
                image,
                first,
                rows,
                columns,
                np.int64(piece["adc_bits"]),
                np.int64(piece["adc_shift"]),
                np.int64(piece["whole"]),
                bits,
                sums,
                planes,
                slices,
                excess,
                count,
                y,
                n + start * width,
                width,
                counts,
            )
    return clipped
