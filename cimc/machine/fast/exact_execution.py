"""The compiled loop over pieces that are exact: what one thread of the fast engine does for programs without a loss."""

from typing import Any

import numpy as np
from numba import int64, njit
from numpy.typing import NDArray

from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.products import add_products, subtract_excess
from cimc.machine.fast.words import Bytes, Words

SIGN = 128
"""What is added to signed inputs, whose products are taken of unsigned bytes, and then subtracted again."""


def execute_products(
    pieces: Pieces,
    start: int,
    stop: int,
    image: Words,
    column_sums: Words,
    signed: int,
    x: NDArray[np.uint8],
    sums: Words,
    width: int,
    inputs: Bytes,
    stride: int,
    room: Words,
) -> None:
    """Executes pieces start to stop - 1, which are exact all: sums = x [vectors, K] * cells.

    `x` holds the bytes of the inputs; `signed` tells what they mean. `sums` holds products [vectors, columns] one after
    the other, and LANES words more: one product of `width` columns, or if that is 0, those that the pieces tell of.
    `inputs` [vectors, stride] is room for the vectors as they are read: in fours of rows, so that a little behind their
    last row is read too, where cells are 0. `room` is that of `add_products`.
    """
    vectors, rows = x.shape
    flip = SIGN if signed else 0
    for t in range(vectors):
        for r in range(rows):
            inputs[t * stride + r] = x[t, r] ^ flip
    for i in range(len(sums)):
        sums[i] = 0
    for i in range(start, stop):
        piece = pieces[i]
        n, columns = place_of(piece, vectors, width)
        add_products(piece, image, inputs, int64(piece["k"]), stride, vectors, sums, n, columns, room)
        if signed:
            subtract_excess(piece, column_sums, SIGN, vectors, sums, n, columns)


@njit(forceinline=True)
def place_of(piece: Any, vectors: int, width: int) -> tuple[int, int]:
    """Where the first sum of a piece is, and how many columns its product has."""
    if width:
        return int64(piece["n"]), width
    return int64(piece["offset"]) * vectors + int64(piece["n"]), int64(piece["width"])
