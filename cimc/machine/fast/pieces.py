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
        ("format", "<u2"),  # of its array
        ("columnwise", "<u2"),  # whether columns have one offset in all rows (in place of the sums, if not exact)
        ("part", "<u2"),  # WEIGHTS, or of what is made a product of integers
    ]
)
Pieces = NDArray[np.void]
"""A one-dimensional structured array of dtype PIECE."""
WEIGHTS, OFFSETS, LARGE_OFFSETS = range(3)
"""What the cells of a piece are: weights, or offsets with the sign changed, and what is left of them beyond a byte.

Offsets are pieces of their own, which are exact, where a piece is not and columns have several of them.
"""
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


def decided(
    groups: Pieces, largest: NDArray[np.int64], columnwise: NDArray[np.bool_], digits: NDArray[np.int64]
) -> Pieces:
    """The pieces of groups, of which the largest sums of cells and the largest digits of inputs are known."""
    groups["exact"] = (largest * digits < 1 << groups["adc_bits"].astype(np.int64)) & (groups["adc_shift"] == 0)
    return _join(groups, columnwise)


def with_offsets(pieces: Pieces, have_offsets: NDArray[np.bool_], large: bool) -> Pieces:
    """The pieces, and behind those that need it pieces of their offsets; `large` tells whether any is above 128."""
    apart = pieces[(pieces["exact"] == 0) & have_offsets & (pieces["columnwise"] == 0)]
    pieces["columnwise"] &= have_offsets
    apart["exact"] = 1
    result = [pieces]
    for part in (OFFSETS, LARGE_OFFSETS)[: 1 + large]:
        apart["part"] = part
        result.append(apart.copy())
    joined = np.concatenate(result)
    return joined[np.argsort(joined["record"], kind="stable")]


def _join(groups: Pieces, columnwise: NDArray[np.bool_]) -> Pieces:
    """Makes one piece of neighbours in one record about which the same was found."""
    differs = (np.diff(groups["record"]) != 0) | (np.diff(groups["exact"]) != 0)
    starts = np.flatnonzero(np.concatenate([[True], differs]))[: len(groups)]
    pieces = groups[starts]
    if len(pieces):
        pieces["columns"] = np.add.reduceat(groups["columns"], starts)
        pieces["columnwise"] = np.logical_and.reduceat(columnwise, starts)
    return pieces
