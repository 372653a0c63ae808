"""Pieces of records: for each range of columns, whether a conversion could clip, found out from the cells.

The bound in the program's file is not trusted (N11). docs/numerics.md has the proof of the rule (N9).
"""

import numpy as np
from numba import int64
from numpy.typing import NDArray

from cimc.machine.fast.compiled import kept
from cimc.machine.fast.encoding import Fields
from cimc.program.records import Records

PIECE = np.dtype(
    [
        ("first", "<i8"),  # where its cells begin in the image
        ("sums", "<i8"),  # where the sums of its columns begin in the image
        ("offset", "<i8"),  # columns of the products that come before its own in a group (see `FastEngine.lay_out`)
        ("width", "<i8"),  # columns of its own product
        ("record", "<u4"),
        ("array", "<u4"),
        ("k", "<u4"),
        ("n", "<u4"),
        ("row", "<u2"),
        ("rows", "<u2"),
        ("column", "<u2"),
        ("columns", "<u2"),
        ("adc_bits", "<u2"),
        ("adc_shift", "<u2"),
        ("exact", "<u2"),  # whether no conversion can clip and none is rounded: it is an integer product
        ("few", "<u2"),  # whether it has so few rows that bits are counted if it is not exact
        ("whole", "<u2"),  # whether all of its cells are programmed
    ]
)
Pieces = NDArray[np.void]
"""A one-dimensional structured array of dtype PIECE."""
GROUP = 64
"""Columns of an array that are decided on together."""


def divide(
    records: Records, numbers: NDArray[np.intp], codes: NDArray[np.uint16], slices: Fields, dac_bits: int
) -> Pieces:
    """The pieces of the MULTIPLY records `numbers`, all of one array, whose cells hold `codes` [rows, columns]."""
    chosen = records[numbers]
    column, end = chosen["column"].astype(np.int64), chosen["column"].astype(np.int64) + chosen["columns"]
    first, last = column // GROUP, (end - 1) // GROUP
    owner = np.repeat(np.arange(len(chosen)), last - first + 1)
    group = np.arange(len(owner)) - np.searchsorted(owner, owner) + first[owner]
    groups = np.zeros(len(owner), PIECE)
    for name in ("array", "k", "row", "rows", "adc_bits", "adc_shift"):
        groups[name] = chosen[name][owner]
    groups["record"] = numbers[owner]
    groups["column"] = np.maximum(column[owner], group * GROUP)
    groups["columns"] = np.minimum(end[owner], (group + 1) * GROUP) - groups["column"]
    groups["n"] = chosen["n"][owner] + (groups["column"] - column[owner])
    sums = largest_sums(codes, slices.firsts, slices.widths, groups)
    bounds = sums * ((1 << dac_bits) - 1)
    groups["exact"] = (bounds < 1 << groups["adc_bits"].astype(np.int64)) & (groups["adc_shift"] == 0)
    return _join(groups)


def _join(groups: Pieces) -> Pieces:
    """Makes one piece of neighbours in one record about which the same was found."""
    differs = (np.diff(groups["record"]) != 0) | (np.diff(groups["exact"]) != 0)
    starts = np.flatnonzero(np.concatenate([[True], differs]))
    pieces = groups[starts]
    pieces["columns"] = np.add.reduceat(groups["columns"], starts)
    return pieces


@kept
def largest_sums(
    codes: NDArray[np.uint16], firsts: NDArray[np.int64], widths: NDArray[np.int64], pieces: Pieces
) -> NDArray[np.int64]:
    """For each piece the largest sum of one slice's cells in one column."""
    result = np.zeros(len(pieces), np.int64)
    sums = np.zeros(codes.shape[1], np.int32)
    for i in range(len(pieces)):
        row, rows = int64(pieces[i]["row"]), int64(pieces[i]["rows"])
        column, columns = int64(pieces[i]["column"]), int64(pieces[i]["columns"])
        for s in range(firsts.shape[0]):
            first, mask = firsts[s], (1 << widths[s]) - 1
            sums[:columns] = 0
            for r in range(row, row + rows):
                for c in range(columns):
                    sums[c] += codes[r, column + c] >> first & mask
            result[i] = max(result[i], int64(sums[:columns].max()))
    return result
