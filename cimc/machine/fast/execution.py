"""The compiled loops over pieces: what one thread of the fast engine does.

There are two, because programs without a loss need only the smaller one, which takes a third of the time to compile.
"""

import numpy as np
from numba import int64, njit
from numpy.typing import NDArray

from cimc.machine.fast.bit_blocks import Digits
from cimc.machine.fast.bit_counts import add_counted
from cimc.machine.fast.compiled import kept
from cimc.machine.fast.conversions import LEVELS, add_conversions
from cimc.machine.fast.lanes import LANES, Bytes, Words
from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.products import add_products, subtract_excess
from cimc.machine.fast.row_lists import INPUT_BITS, LISTS, ROWS, list_room, list_rows

_TOGETHER = 64
"""Vectors whose inputs are packed at a time."""
_SIGN = 128
"""What is added to signed inputs, whose products are taken of unsigned bytes, and then subtracted again."""


@kept
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

    `x` holds the bytes of the inputs; `signed` tells what they mean. Planes, slices and excess are those of
    `add_conversions`. Pieces read and write a little behind their last row and column: where that would be behind a
    vector's end, copies of x and y are used that have room for it.
    """
    vectors, width = x.shape[0], y.shape[1]
    rows_end, columns_end, words = _extent(pieces, start, stop)
    stride, inputs = max(x.shape[1], rows_end), _widened(x, rows_end)
    sums = _sums(y, columns_end)
    shifted = inputs ^ np.uint8(_SIGN) if signed else inputs
    together = min(vectors, _TOGETHER)
    bits, lists = np.zeros(together * words * INPUT_BITS, np.uint32), np.zeros(together * list_room(words), np.uint32)
    starts, input_sums = np.zeros((together, LISTS + 1), np.int64), np.zeros(together, np.uint32)
    counters = (_room(), _room(), _room(), _room())
    known = (-1, -1, False)
    clipped = 0
    for i in range(start, stop):
        piece = pieces[i]
        k, n, rows = int64(piece["k"]), int64(piece["n"]), int64(piece["rows"])
        if piece["exact"]:
            add_products(piece, image, shifted, k, stride, vectors, sums, n, width)
            if signed:
                subtract_excess(piece, column_sums, _SIGN, vectors, sums, n, width)
            continue
        for t in range(0, vectors, _TOGETHER):
            count = min(_TOGETHER, vectors - t)
            listed = not piece["few"]
            if vectors > _TOGETHER or (k, rows, listed) != known:
                list_rows(inputs, k + t * stride, stride, count, rows, signed, listed, bits, lists, starts, input_sums)
                known = (k, rows, listed)
            if listed:
                clipped += add_conversions(
                    piece, image, lists, starts, input_sums, planes, slices, excess, count, sums, n + t * width, width,
                    counters,
                )  # fmt: skip
            else:
                clipped += add_counted(
                    piece, image, bits, input_sums, planes, slices, excess, count, sums, n + t * width, width,
                    counters[0],
                )  # fmt: skip
    _give(sums, columns_end, y)
    return clipped


@kept
def execute_products(
    pieces: Pieces,
    start: int,
    stop: int,
    image: Words,
    column_sums: Words,
    signed: bool,
    x: NDArray[np.uint8],
    y: NDArray[np.int32],
) -> None:
    """As `execute`, for pieces that are exact all."""
    vectors, width = x.shape[0], y.shape[1]
    rows_end, columns_end, _ = _extent(pieces, start, stop)
    stride, inputs = max(x.shape[1], rows_end), _widened(x, rows_end)
    sums = _sums(y, columns_end)
    shifted = inputs ^ np.uint8(_SIGN) if signed else inputs
    for i in range(start, stop):
        piece = pieces[i]
        k, n = int64(piece["k"]), int64(piece["n"])
        add_products(piece, image, shifted, k, stride, vectors, sums, n, width)
        if signed:
            subtract_excess(piece, column_sums, _SIGN, vectors, sums, n, width)
    _give(sums, columns_end, y)


@njit
def _room() -> Words:
    """A counter; it begins where a line of the processor's cache does."""
    room = np.zeros((LEVELS + 1) * LANES, np.uint32)
    first = -room.ctypes.data % (4 * LANES) // 4
    return room[first : first + LEVELS * LANES]


@njit
def _widened(x: NDArray[np.uint8], width: int) -> Bytes:
    """The vectors [vectors, K], one after the other; with zeros behind each if they are to be `width` long."""
    if width <= x.shape[1]:
        return x.reshape(-1)
    wide = np.zeros(x.shape[0] * width, np.uint8)
    for t in range(x.shape[0]):
        wide[t * width : t * width + x.shape[1]] = x[t]
    return wide


@njit
def _sums(y: NDArray[np.int32], columns_end: int) -> Words:
    """What is added to: y itself, or zeros with room behind the last vector if more columns are written."""
    if columns_end <= y.shape[1]:
        return y.reshape(-1).view(np.uint32)
    return np.zeros(y.size + LANES, np.uint32)


@njit
def _give(sums: Words, columns_end: int, y: NDArray[np.int32]) -> None:
    """Adds to y what was added to other numbers than its own."""
    width = y.shape[1]
    if columns_end > width:
        for t in range(len(y)):
            y[t] += sums[t * width : (t + 1) * width].view(np.int32)


@njit
def _extent(pieces: Pieces, start: int, stop: int) -> tuple[int, int, int]:
    """The elements of x and y behind which nothing is read or written, and the most words that inputs are packed to."""
    x = y = words = 0
    for i in range(start, stop):
        rows, columns = int64(pieces[i]["rows"]), int64(pieces[i]["columns"])
        x = max(x, int64(pieces[i]["k"]) + (rows + ROWS - 1) // ROWS * ROWS)
        y = max(y, int64(pieces[i]["n"]) + (columns + LANES - 1) // LANES * LANES)
        if not pieces[i]["exact"]:
            words = max(words, (rows + ROWS - 1) // ROWS)
    return x, y, words
