"""The compiled loop over pieces of which some may clip: what one thread of the fast engine does then.

Programs without a loss need only that of exact_execution.py, which takes a third of the time to compile.
"""

import numpy as np
from numba import int64, njit
from numpy.typing import NDArray

from cimc.machine.fast.bit_counts import add_counted
from cimc.machine.fast.compiled import kept
from cimc.machine.fast.conversions import LEVELS, add_conversions
from cimc.machine.fast.exact_execution import SIGN, place_of
from cimc.machine.fast.lanes import LANES, Bytes, Words
from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.products import add_products, subtract_excess, subtract_offsets
from cimc.machine.fast.row_lists import INPUT_BITS, LISTS, ROWS, list_room, list_rows
from cimc.machine.fast.words import Digits, pair_room

_TOGETHER = 64
"""Vectors whose inputs are packed at a time."""
_pair_room = njit(pair_room)


@kept
def execute(
    pieces: Pieces,
    start: int,
    stop: int,
    image: Words,
    column_sums: Words,
    planes: Digits,
    slices: Digits,
    formats: NDArray[np.int64],
    signed: bool,
    x: NDArray[np.uint8],
    sums: Words,
    width: int,
) -> int:
    """Executes pieces start to stop - 1: sums = x [vectors, K] * cells; counts clipped conversions.

    `x` holds the bytes of the inputs; `signed` tells what they mean, `planes` how they are driven; slices and formats
    are those of a `SliceTable`. `sums` holds products [vectors, columns] one after the other, and LANES words more: one
    product of `width` columns, or if that is 0, those that the pieces tell of. Pieces read a little behind their last
    row: where that would be behind a vector's end, a copy of x is used that has room for it.
    """
    vectors = x.shape[0]
    rows_end, words = _extent(pieces, start, stop)
    stride, inputs = max(x.shape[1], rows_end), _widened(x, rows_end)
    sums[:] = 0
    shifted = inputs ^ np.uint8(SIGN) if signed else inputs
    together = min(vectors, _TOGETHER)
    bits, lists = np.zeros(together * words * INPUT_BITS, np.uint32), np.zeros(together * list_room(words), np.uint32)
    starts, input_sums = np.zeros((together, LISTS + 1), np.int64), np.zeros(together, np.uint32)
    counters = (_room(), _room(), _room(), _room())
    room = np.zeros(_pair_room(stride, vectors), np.uint32)
    known = (-1, -1, False)
    clipped = 0
    for i in range(start, stop):
        piece = pieces[i]
        k, rows = int64(piece["k"]), int64(piece["rows"])
        n, columns = place_of(piece, vectors, width)
        if piece["exact"]:
            add_products(piece, image, shifted, k, stride, vectors, sums, n, columns, room)
            if signed:
                subtract_excess(piece, column_sums, SIGN, vectors, sums, n, columns)
            continue
        own = slices[formats[int64(piece["format"]), 0] : formats[int64(piece["format"]), 1]]
        for t in range(0, vectors, _TOGETHER):
            count = min(_TOGETHER, vectors - t)
            listed = not piece["few"]
            if vectors > _TOGETHER or (k, rows, listed) != known:
                list_rows(inputs, k + t * stride, stride, count, rows, signed, listed, bits, lists, starts, input_sums)
                known = (k, rows, listed)
            place = n + t * columns
            if piece["columnwise"]:
                subtract_offsets(piece, column_sums, input_sums, count, sums, place, columns)
            if listed:
                clipped += add_conversions(
                    piece, image, lists, starts, planes, own, count, sums, place, columns, counters
                )
            else:
                clipped += add_counted(piece, image, bits, planes, own, count, sums, place, columns, counters[0])
    return clipped


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
def _extent(pieces: Pieces, start: int, stop: int) -> tuple[int, int]:
    """The element of x behind which nothing is read, and the most words that inputs are packed to."""
    x = words = 0
    for i in range(start, stop):
        rows = int64(pieces[i]["rows"])
        x = max(x, int64(pieces[i]["k"]) + (rows + ROWS - 1) // ROWS * ROWS)
        if not pieces[i]["exact"]:
            words = max(words, (rows + ROWS - 1) // ROWS)
    return x, words
