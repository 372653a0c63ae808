"""Checks of formats: arrays have one, columns have offsets that are right for it, and weights fit (I23)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.formats import MAXIMAL_FORMATS, OFFSETS, WEIGHT_BITS, Format, first_offsets
from cimc.program.arrays.tiles import first_places, own_places
from cimc.program.errors import ProgramError
from cimc.program.mapped import release
from cimc.program.metadata import ENCODINGS
from cimc.program.verification.checks import below
from cimc.program.verification.tiles import READ_TOGETHER


def verify_formats(formats: Sequence[Format], array_formats: NDArray[np.uint8], arrays: int) -> None:
    """There are formats, as there can be, and each array has one of them."""
    if not 1 <= len(formats) <= MAXIMAL_FORMATS:
        raise ProgramError(f"the program has {len(formats)} formats, expected 1 to {MAXIMAL_FORMATS}")
    for number, format in enumerate(formats):
        if format.encoding not in ENCODINGS:
            expected = ", ".join(ENCODINGS)
            raise ProgramError(f"encoding {format.encoding} of format {number} is unknown, expected {expected}")
        if format.bits not in WEIGHT_BITS:
            expected = f"expected {min(WEIGHT_BITS)} to {max(WEIGHT_BITS)}"
            raise ProgramError(f"format {number} has weights of {format.bits} bits, {expected}")
    if len(array_formats) != arrays:
        raise ProgramError(f"{len(array_formats)} arrays have a format, the program has {arrays} arrays")
    below(array_formats, len(formats), "array", "has format", "formats")


def verify_offsets(
    tiles: NDArray[np.int32], offsets: NDArray[np.int16], formats: Sequence[Format], array_formats: NDArray[np.uint8]
) -> None:
    """Each column of each tile has an offset, the same as all tiles in its place, and 0 in encodings without any."""
    firsts = first_offsets(tiles)
    if len(offsets) != firsts[-1]:
        raise ProgramError(f"there are {len(offsets)} offsets, tiles have {firsts[-1]} columns")
    have = np.array([format.encoding == "offset" for format in formats])[array_formats]
    of_tile = np.repeat(np.arange(len(tiles)), tiles[:, 5])
    wrong = (offsets < OFFSETS[0]) | (offsets > OFFSETS[-1])
    for number in np.flatnonzero(wrong)[:1].tolist():
        expected = f"expected {OFFSETS[0]} to {OFFSETS[-1]}"
        raise ProgramError(f"tile {of_tile[number]} has an offset of {offsets[number]}, {expected}")
    wrong = (offsets != 0) & ~have[tiles[of_tile, 1]]
    for number in np.flatnonzero(wrong)[:1].tolist():
        array = int(tiles[of_tile[number], 1])
        format = formats[int(array_formats[array])]
        raise ProgramError(f"tile {of_tile[number]} has an offset of {offsets[number]}, array {array} is {format}")
    first, same = first_places(tiles)
    others = firsts[first[same]][of_tile] + np.arange(len(offsets)) - firsts[of_tile]
    for number in of_tile[offsets != offsets[others]][:1].tolist():
        other = first[same[number]]
        raise ProgramError(f"tile {number} has other offsets than tile {other}, which lies in the same place")


def verify_weights(
    arrays: NDArray[np.int8],
    tiles: NDArray[np.int32],
    offsets: NDArray[np.int16],
    formats: Sequence[Format],
    array_formats: NDArray[np.uint8],
) -> None:
    """Every programmed weight is one of its array's format: with the offset of its column, where that has offsets.

    All of int8 are of 8 bits, so programs of nothing else (and midpoints) are not read.
    """
    firsts, read = first_offsets(tiles), 0
    own = own_places(tiles)
    own = own[_may_not_fit(tiles, offsets, formats, array_formats)[own]]
    for number in own[np.argsort(tiles[own, 1], kind="stable")].tolist():
        _, array, row, column, rows, columns, _, _ = tiles[number].tolist()
        format = formats[int(array_formats[array])]
        has_offsets, span = format.encoding == "offset", 1 << format.bits
        added = offsets[firsts[number] : firsts[number + 1]] if has_offsets else np.int16(span // 2)
        block = arrays[array, row : row + rows, column : column + columns]
        low, high = block.min(axis=0) + added, block.max(axis=0) + added
        for c in np.flatnonzero((low < 0) | (high >= span))[:1].tolist():
            offset = int(np.broadcast_to(added, columns)[c])
            weights = block[:, c].astype(np.int64) + offset
            r = int(np.flatnonzero((weights < 0) | (weights >= span))[0])
            place = f"array {array} holds {block[r, c]} in row {row + r} of column {column + c}"
            of = f"{format} with offset {offset}" if has_offsets else format
            raise ProgramError(f"{place}, expected {-offset} to {span - 1 - offset}, for it is {of}")
        if array >= read + READ_TOGETHER:
            read = array
            release(arrays)


def _may_not_fit(
    tiles: NDArray[np.int32], offsets: NDArray[np.int16], formats: Sequence[Format], array_formats: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """The tiles for which not every int8 is a weight that fits."""
    usual = np.array([format.bits == max(WEIGHT_BITS) for format in formats])[array_formats[tiles[:, 1]]]
    if not len(tiles):
        return usual
    expected = np.array([format.midpoint for format in formats], np.int16)[array_formats[tiles[:, 1]]]
    own = np.repeat(expected, tiles[:, 5]) == offsets
    return ~(usual & np.logical_and.reduceat(own, first_offsets(tiles)[:-1]))
