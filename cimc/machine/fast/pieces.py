"""Pieces of records: for each range of columns, whether a conversion could clip, found out from the cells.

The bound in the program's file is not trusted (N11). docs/numerics.md has the proof of the rule (N9).
"""

import numpy as np
from numpy.typing import NDArray

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


def groups_of(records: Records, numbers: NDArray[np.intp]) -> Pieces:
    """The MULTIPLY records `numbers` cut into groups of columns, each of which is decided on apart."""
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
    return groups


def decided(groups: Pieces, largest: NDArray[np.int64], whole: NDArray[np.bool_], dac_bits: int) -> Pieces:
    """The pieces of groups, of which the largest sums of cells and whether all cells are programmed are known."""
    bounds = largest * ((1 << dac_bits) - 1)
    groups["exact"] = (bounds < 1 << groups["adc_bits"].astype(np.int64)) & (groups["adc_shift"] == 0)
    return _join(groups, whole)


def _join(groups: Pieces, whole: NDArray[np.bool_]) -> Pieces:
    """Makes one piece of neighbours in one record about which the same was found."""
    differs = (np.diff(groups["record"]) != 0) | (np.diff(groups["exact"]) != 0)
    starts = np.flatnonzero(np.concatenate([[True], differs]))[: len(groups)]
    pieces = groups[starts]
    if len(pieces):
        pieces["columns"] = np.add.reduceat(groups["columns"], starts)
        pieces["whole"] = np.logical_and.reduceat(whole, starts)
    return pieces
