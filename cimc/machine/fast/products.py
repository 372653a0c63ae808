"""The compiled loop of exact pieces: integer products of bytes, where no ADC can clip.

Columns are packed in blocks of 16 and rows in fours: a word holds four rows of a column, a vector one word of each
column of a block. Four blocks lie side by side as long as there are so many, the rest one by one; what is missing from
the last four rows or the last block is 0. So memory is read once, from its first word to its last.
"""

from typing import Any

from numba import int64, njit, uint32

from cimc.machine.fast.byte_products import HAS_VNNI, dot
from cimc.machine.fast.lanes import LANES, Bytes, Lanes, Words, load, load_splat, prefetch, splat, store
from cimc.machine.fast.pair_products import TOGETHER, add_pair_products, widen_inputs

FOUR_BLOCKS = 4 * LANES
AHEAD = 1024
"""How many words before they are needed memory is asked for them."""


@njit(forceinline=True)
def add_products(
    piece: Any, weights: Words, x: Bytes, first: int, stride: int, vectors: int, y: Words, n: int, width: int,
    room: Words,
) -> None:  # fmt: skip
    """y[t * width + n + c] += sum over rows of x[t * stride + first + row] * weight[row, c], for every vector t.

    Up to 15 elements of y behind the last column are written too, with the value they have. `room` is that of
    `pair_room`.
    """
    position, columns = int64(piece["first"]), int64(piece["columns"])
    fours = (int64(piece["rows"]) + 3) // 4
    if not HAS_VNNI and vectors >= TOGETHER:
        done = vectors - vectors % TOGETHER
        _add_in_pairs(position, columns, fours, weights, x, first, stride, done, y, n, width, room)
        first, n, vectors = first + done * stride, n + done * width, vectors - done
    if vectors:
        _add_bytes(position, columns, fours, weights, x, first, stride, vectors, y, n, width)


@njit
def _add_in_pairs(
    position: int, columns: int, fours: int, weights: Words, x: Bytes, first: int, stride: int, vectors: int, y: Words,
    n: int, width: int, room: Words,
) -> None:  # fmt: skip
    weight_room, inputs = room[: 2 * LANES * fours], room[2 * LANES * fours :]
    widen_inputs(x, first, stride, vectors, fours, inputs)
    for column in range(0, columns, LANES):
        wide = columns - column // FOUR_BLOCKS * FOUR_BLOCKS > 3 * LANES
        step = FOUR_BLOCKS if wide else LANES
        place = position + column % FOUR_BLOCKS + column // FOUR_BLOCKS * FOUR_BLOCKS * fours
        if not wide:
            place = position + column * fours
        add_pair_products(weights, place, step, fours, inputs, vectors, y, n + column, width, weight_room)


@njit
def _add_bytes(
    position: int, columns: int, fours: int, weights: Words, x: Bytes, first: int, stride: int, vectors: int, y: Words,
    n: int, width: int,
) -> None:  # fmt: skip
    column = 0
    while columns - column > 3 * LANES:
        t = 0
        while HAS_VNNI and t + 4 <= vectors:
            _four_vectors(weights, position, fours, x, first + t * stride, stride, y, n + column + t * width, width)
            t += 4
        while t < vectors:
            _four_blocks(weights, position, fours, x, first + t * stride, y, n + column + t * width)
            t += 1
        position += 4 * LANES * fours
        column += 4 * LANES
    while column < columns:
        for t in range(vectors):
            _one_block(weights, position, fours, x, first + t * stride, y, n + column + t * width)
        position += LANES * fours
        column += LANES


@njit(forceinline=True)
def subtract_excess(piece: Any, column_sums: Words, factor: int, vectors: int, y: Words, n: int, width: int) -> None:
    """y[t * width + n + c] -= factor * sum of column c, for every vector t."""
    excess, position = splat(uint32(factor)), int64(piece["sums"])
    for column in range(0, int64(piece["columns"]), LANES):
        sums = load(column_sums, position + column) * excess
        for t in range(vectors):
            place = n + column + t * width
            store(y, place, load(y, place) - sums)


@njit(forceinline=True)
def subtract_offsets(piece: Any, offsets: Words, input_sums: Words, vectors: int, y: Words, n: int, width: int) -> None:
    """y[t * width + n + c] -= offset of column c * the sum of the inputs, for every vector t."""
    position = int64(piece["sums"])
    for column in range(0, int64(piece["columns"]), LANES):
        own = load(offsets, position + column)
        for t in range(vectors):
            place = n + column + t * width
            store(y, place, load(y, place) - own * splat(input_sums[t]))


@njit(forceinline=True)
def _one_block(weights: Words, position: int, fours: int, x: Bytes, first: int, y: Words, n: int) -> None:
    sums = load(y, n)
    for i in range(fours):
        prefetch(weights, position + LANES * i + AHEAD)
        sums = dot(sums, load_splat(x, first + 4 * i), load(weights, position + LANES * i))
    store(y, n, sums)


@njit(forceinline=True)
def _four_blocks(weights: Words, position: int, fours: int, x: Bytes, first: int, y: Words, n: int) -> None:
    a: Lanes
    a, b, c, d = load(y, n), load(y, n + LANES), load(y, n + 2 * LANES), load(y, n + 3 * LANES)
    for i in range(fours):
        place = position + 4 * LANES * i
        inputs = load_splat(x, first + 4 * i)
        prefetch(weights, place + AHEAD)
        prefetch(weights, place + AHEAD + LANES)
        prefetch(weights, place + AHEAD + 2 * LANES)
        prefetch(weights, place + AHEAD + 3 * LANES)
        a = dot(a, inputs, load(weights, place))
        b = dot(b, inputs, load(weights, place + LANES))
        c = dot(c, inputs, load(weights, place + 2 * LANES))
        d = dot(d, inputs, load(weights, place + 3 * LANES))
    store(y, n, a)
    store(y, n + LANES, b)
    store(y, n + 2 * LANES, c)
    store(y, n + 3 * LANES, d)


@njit(forceinline=True)
def _add(y: Words, n: int, a: Lanes, b: Lanes, c: Lanes, d: Lanes) -> None:
    store(y, n, load(y, n) + a)
    store(y, n + LANES, load(y, n + LANES) + b)
    store(y, n + 2 * LANES, load(y, n + 2 * LANES) + c)
    store(y, n + 3 * LANES, load(y, n + 3 * LANES) + d)


@njit(forceinline=True)
def _four_vectors(
    weights: Words, position: int, fours: int, x: Bytes, first: int, stride: int, y: Words, n: int, width: int
) -> None:
    """Four vectors by four blocks: eight loads serve sixteen products, and all sums stay in registers."""
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = splat(uint32(0))
    for i in range(fours):
        place, source = position + 4 * LANES * i, first + 4 * i
        a, b = load(weights, place), load(weights, place + LANES)
        c, d = load(weights, place + 2 * LANES), load(weights, place + 3 * LANES)
        inputs = load_splat(x, source)
        a0, b0, c0, d0 = dot(a0, inputs, a), dot(b0, inputs, b), dot(c0, inputs, c), dot(d0, inputs, d)
        inputs = load_splat(x, source + stride)
        a1, b1, c1, d1 = dot(a1, inputs, a), dot(b1, inputs, b), dot(c1, inputs, c), dot(d1, inputs, d)
        inputs = load_splat(x, source + 2 * stride)
        a2, b2, c2, d2 = dot(a2, inputs, a), dot(b2, inputs, b), dot(c2, inputs, c), dot(d2, inputs, d)
        inputs = load_splat(x, source + 3 * stride)
        a3, b3, c3, d3 = dot(a3, inputs, a), dot(b3, inputs, b), dot(c3, inputs, c), dot(d3, inputs, d)
    _add(y, n, a0, b0, c0, d0)
    _add(y, n + width, a1, b1, c1, d1)
    _add(y, n + 2 * width, a2, b2, c2, d2)
    _add(y, n + 3 * width, a3, b3, c3, d3)
