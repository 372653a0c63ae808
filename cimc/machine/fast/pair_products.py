"""The compiled loop of exact pieces for several vectors at once, where no instruction multiplies four pairs of bytes.

Weights and inputs are widened to 16 bits once, and used for all vectors or columns; then each product takes two
instructions. Words of four rows become two words of two: rows 0 and 2, and rows 1 and 3.
"""

import numpy as np
from numba import njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.byte_products import even_bytes, odd_bytes, pairs
from cimc.machine.fast.lanes import LANES, Bytes, Words, load, load_splat, splat, store

TOGETHER = 4
"""Vectors whose sums stay in registers together."""


@njit
def widen_inputs(x: Bytes, first: int, stride: int, vectors: int, fours: int, wide: Words) -> None:
    """`wide` gets inputs x[first + t * stride + row] as pairs [vectors, fours, (rows 0 and 2, rows 1 and 3)]."""
    for t in range(vectors):
        begin, place = first + t * stride, t * fours * 2
        for i in range(fours):
            a, b, c, d = x[begin + 4 * i], x[begin + 4 * i + 1], x[begin + 4 * i + 2], x[begin + 4 * i + 3]
            wide[place + 2 * i] = uint32(a) | uint32(c) << uint32(16)
            wide[place + 2 * i + 1] = uint32(b) | uint32(d) << uint32(16)


@njit
def add_pair_products(
    weights: Words, position: int, step: int, fours: int, inputs: Words, vectors: int, y: Words, n: int, width: int,
    room: NDArray[np.uint32],
) -> None:  # fmt: skip
    """y[t * width + n + c] += products of one block of 16 columns, for vectors in fours: as many as there are.

    The block's words are `step` apart from `position` on; `inputs` are those of `widen_inputs`, `room` is for the
    weights.
    """
    for i in range(fours):
        block = load(weights, position + step * i)
        store(room, 2 * LANES * i, even_bytes(block))
        store(room, 2 * LANES * i + LANES, odd_bytes(block))
    for t in range(0, vectors - TOGETHER + 1, TOGETHER):
        a = b = c = d = splat(uint32(0))
        source = 2 * fours * t
        for i in range(2 * fours):
            block = load(room, LANES * i)
            a = pairs(a, load_splat(inputs, source + i), block)
            b = pairs(b, load_splat(inputs, source + 2 * fours + i), block)
            c = pairs(c, load_splat(inputs, source + 4 * fours + i), block)
            d = pairs(d, load_splat(inputs, source + 6 * fours + i), block)
        place = n + t * width
        store(y, place, load(y, place) + a)
        store(y, place + width, load(y, place + width) + b)
        store(y, place + 2 * width, load(y, place + 2 * width) + c)
        store(y, place + 3 * width, load(y, place + 3 * width) + d)
