"""The compiled loop that looks at all cells before they are packed: how large sums of them can be."""

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.encoding import BITS, DIFFERENTIAL, OFFSET
from cimc.machine.fast.lanes import Lanes, load_bytes, splat, store
from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.words import LANES, Bytes, Digits, Words


def look_at_cells(
    cells: NDArray[np.int8],
    tiles: NDArray[np.int64],
    offsets: NDArray[np.int16],
    slices: Digits,
    formats: NDArray[np.int64],
    pieces: Pieces,
    largest: NDArray[np.int64],
    columnwise: NDArray[np.bool_],
    sums: Words,
    added: Bytes,
) -> None:
    """For each piece the largest sum of one slice's cells in one column, and whether columns have one offset each.

    `cells` [arrays, rows, columns] hold weights, 0 where none is programmed; `pieces` and `tiles` (`Packer.tiles`) are
    sorted by array. `slices` and `formats` are those of a `SliceTable`. `sums` is room for LANES sums, `added`
    [rows, columns] for the offsets of one array.
    """
    array, single, tile, stride = -1, True, 0, cells.shape[2]
    for i in range(len(pieces)):
        number = int64(pieces[i]["format"])
        has_offsets, differential = formats[number, 2] == OFFSET, formats[number, 2] == DIFFERENTIAL
        if array != int64(pieces[i]["array"]):
            array = int64(pieces[i]["array"])
            if has_offsets:
                tile, single = _add_offsets(tiles, tile, array, offsets, added)
        row, rows = int64(pieces[i]["row"]), int64(pieces[i]["rows"])
        column, columns = int64(pieces[i]["column"]), int64(pieces[i]["columns"])
        chosen = cells[array, row : row + rows, column : column + columns]
        own_row, step = (0, 0) if single else (row, 1)
        own = added[own_row : own_row + 1 + step * (rows - 1), column : column + columns]
        for s in range(formats[number, 0], formats[number, 1]):
            mask = ((1 << slices[s, 1]) - 1) << slices[s, 0]
            for c in range(0, columns, LANES):
                count = min(columns - c, LANES)
                if count < LANES:
                    sums[:] = 0
                    _add_some(chosen[:, c:], own[:, c:], step, differential, has_offsets, mask, count, sums)
                else:
                    first = (array * cells.shape[1] + row) * stride + column + c
                    place = own_row * stride + column + c
                    total = _sums(
                        cells, first, stride, added, place, step * stride, rows, differential, has_offsets, mask
                    )
                    store(sums, 0, total)
                for lane in range(count):
                    largest[i] = max(largest[i], int64(sums[lane]) >> slices[s, 0])
        columnwise[i] = not has_offsets or single or _rows_are_equal(own)


@njit(forceinline=True)
def _sums(
    cells: NDArray[np.int8], first: int, stride: int, added: Bytes, place: int, step: int, rows: int,
    differential: bool, has_offsets: bool, mask: int,
) -> Lanes:  # fmt: skip
    """The sums of sixteen columns; weights begin at `first` and are `stride` apart, offsets at `place` and `step`."""
    total, chosen = splat(uint32(0)), splat(uint32(mask))
    if differential:
        sign, shift, all_bits = splat(uint32(1 << BITS - 1)), splat(uint32(BITS)), splat(uint32((1 << BITS) - 1))
        all_ones = splat(uint32(0xFFFFFFFF))
        for r in range(rows):
            weight = load_bytes(cells, first + r * stride)
            negative = splat(uint32(0)) - ((weight & sign) >> splat(uint32(BITS - 1)))  # all bits, or none
            magnitude = ((weight ^ negative) - negative) & all_bits
            total += ((magnitude & (negative ^ all_ones)) | ((magnitude & negative) << shift)) & chosen
    elif has_offsets:
        for r in range(rows):
            total += (load_bytes(cells, first + r * stride) + load_bytes(added, place + r * step)) & chosen
    else:
        for r in range(rows):
            total += load_bytes(cells, first + r * stride) & chosen
    return total


@njit
def _add_some(
    cells: NDArray[np.int8], added: Bytes, step: int, differential: bool, has_offsets: bool, mask: int, count: int,
    sums: Words,
) -> None:  # fmt: skip
    """As `_sums`, of fewer than sixteen columns, for `sums` to which they are added."""
    for r in range(cells.shape[0]):
        for c in range(count):
            weight = int64(cells[r, c])
            code = weight + int64(added[step * r, c]) if has_offsets else weight
            if differential:
                code = max(weight, 0) | max(-weight, 0) << BITS
            sums[c] += uint32(code & mask)


@njit
def _rows_are_equal(added: Bytes) -> bool:
    different = np.uint8(0)
    for r in range(1, added.shape[0]):
        for c in range(added.shape[1]):
            different |= added[r, c] ^ added[0, c]
    return different == 0


@njit
def _add_offsets(
    tiles: NDArray[np.int64], tile: int, array: int, offsets: NDArray[np.int16], added: Bytes
) -> tuple[int, bool]:
    """Puts the offsets of one array in place, 0 where no cell is programmed, as bytes: sums of cells wrap around.

    The tile behind those of the array, and whether one tile fills it: then the first row is that of all.
    """
    rows, columns = added.shape
    while tile < len(tiles) and tiles[tile, 1] < array:
        tile += 1
    single = tile < len(tiles) and tiles[tile, 1] == array and tiles[tile, 4] == rows and tiles[tile, 5] == columns
    if not single:
        added[:] = 0
    while tile < len(tiles) and tiles[tile, 1] == array:
        row, column, height, width = tiles[tile, 2], tiles[tile, 3], tiles[tile, 4], tiles[tile, 5]
        for r in range(row, row + (1 if single else height)):
            for c in range(width):
                added[r, column + c] = np.uint8(offsets[tiles[tile, 8] + c])
        tile += 1
    return tile, single
