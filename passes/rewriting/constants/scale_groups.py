"""Where scales and zero points of a block change: rows, or columns, that share them.

Arrays here are [blocks, rows, columns]; what is true of rows is true of them in all blocks at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import gcd

import numpy as np
import numpy.typing as npt

from dialects.element_types import Array

Numbers = npt.NDArray[np.int64]
FEWEST = 2
"""Rows or columns that share scales, on average at least, for blocks to be cut: a scale a number is no scale."""
_ROUNDING = 1e-6
"""How far a product of two float32 scales is from the scale that it was rounded to, relatively."""
_MOST_TRIED = 8
"""Lengths of pieces that are tried."""
_PIECE = 32
"""Rows that a piece more may save: each has sums and scales of its own to work out."""


@dataclass(frozen=True)
class RowGroups:
    """Rows that share scales, in pieces of equal length: `table` int64 [pieces, rows of a piece].

    It names the row that stands in each place, -1 where there is none.
    """

    table: Numbers

    @property
    def is_in_order(self) -> bool:
        """Whether rows stand as they did, with nothing between them."""
        places = self.table.reshape(-1)
        count = int((places >= 0).sum())
        return bool((places[:count] == np.arange(count)).all())

    def cut(self, array: Array) -> Array:
        """[blocks * pieces, rows of a piece, columns] of an array [blocks, rows, columns].

        In places without a row stands the piece's first.
        """
        table = np.where(self.table < 0, self.table[:, :1], self.table)
        return array[:, table].reshape(len(array) * len(table), table.shape[1], array.shape[2])

    def firsts(self, array: Array) -> Array:
        """[blocks * pieces, columns]: the first row of each piece."""
        return array[:, self.table[:, 0]].reshape(-1, array.shape[2])


def row_groups(arrays: Sequence[Array]) -> RowGroups | None:
    """Rows in which all arrays have the same numbers, wherever they stand; None if hardly any are the same."""
    rows = arrays[0].shape[1]
    starts = [0, *_changes(arrays)]
    known: dict[bytes, int] = {}
    keys = (b"".join(np.ascontiguousarray(array[:, row]).tobytes() for array in arrays) for row in starts)
    groups = [known.setdefault(key, len(known)) for key in keys]
    return _in_pieces(np.repeat(groups, np.diff([*starts, rows])), len(known))


def proportional_groups(scale: Array, zero: Array | None) -> tuple[RowGroups, Array] | None:
    """Successive rows that are multiples of one another, with the same zero points; and what they are times the first.

    The latter is [blocks, rows], and the first that of a piece. None if hardly any are, or a number is 0.
    """
    if not scale.all() or scale.shape[1] < 2:
        return None
    starts = sorted(
        {0, *(np.flatnonzero(~_are_multiples(scale)) + 1).tolist(), *_changes([] if zero is None else [zero])}
    )
    groups = np.repeat(np.arange(len(starts)), np.diff([*starts, scale.shape[1]]))
    pieces = _in_pieces(groups, len(starts))
    if pieces is None:
        return None
    first = np.empty(scale.shape[1], np.int64)
    first[pieces.table[pieces.table >= 0]] = np.repeat(pieces.table[:, 0], (pieces.table >= 0).sum(axis=1))
    factors = _ratio(scale[:, :, 0], scale[:, first, 0])
    is_product = np.allclose(factors[:, :, None] * scale[:, first], scale, rtol=_ROUNDING, atol=0)
    return (pieces, factors) if is_product else None


def proportional_columns(scale: Array, zero: Array | None) -> int | None:
    """How many successive columns have scales that are multiples of one another, and the same zero points.

    The last ones may be fewer. None if hardly any have, or all.
    """
    if not scale.all() or scale.shape[2] < 2:
        return None
    differ = ~_are_multiples(scale.swapaxes(1, 2))
    if zero is not None:
        differ |= (zero[:, :, 1:] != zero[:, :, :-1]).any(axis=(0, 1))
    size = reduce(gcd, (np.flatnonzero(differ) + 1).tolist(), 0)
    return size if size >= FEWEST else None


def outer_product(scale: Array) -> tuple[Array, Array] | None:
    """Factors [blocks, rows] and [blocks, columns] whose products are the scales, up to rounding."""
    if scale.strides[2] == 0 or bool((scale == scale[:, :, :1]).all()):
        return np.ascontiguousarray(scale[:, :, 0]), np.ones(scale.shape[::2], scale.dtype)
    columns = scale[:, :1]
    if not columns[:, :, 0].all():
        return None
    rows = _ratio(scale[:, :, :1], columns[:, :, :1])
    if not np.allclose(rows * columns, scale, rtol=_ROUNDING, atol=0):
        return None
    return np.ascontiguousarray(rows[:, :, 0]), np.ascontiguousarray(columns[:, 0])


def is_one_a_column(array: Array) -> bool:
    """Whether all rows are the same."""
    return array.strides[1] == 0 or bool((array == array[:, :1]).all())


def is_one_a_row(array: Array) -> bool:
    """Whether all columns are the same."""
    return array.strides[2] == 0 or bool((array == array[:, :, :1]).all())


def _are_multiples(scale: Array) -> npt.NDArray[np.bool_]:
    """Which rows, from the second on, are multiples of the one before."""
    ratio = _ratio(scale[:, 1:], scale[:, :-1])
    low, high = ratio.min(axis=2), ratio.max(axis=2)
    with np.errstate(invalid="ignore"):
        return (np.abs(high - low) <= 2 * _ROUNDING * np.abs(low)).all(axis=0)


def _ratio(a: Array, b: Array) -> Array:
    """`a` over `b`, which may be infinite or no numbers in a file: then so is their ratio."""
    with np.errstate(over="ignore", invalid="ignore"):
        return a / b


def _changes(arrays: Sequence[Array]) -> list[int]:
    """The rows where numbers differ from those of the row before."""
    changes = set[int]()
    for array in arrays:
        if array.strides[1]:
            changes.update((np.flatnonzero((array[:, 1:] != array[:, :-1]).any(axis=(0, 2))) + 1).tolist())
    return sorted(changes)


def _in_pieces(group: Numbers, count: int) -> RowGroups | None:
    """Rows in pieces of the length that costs least; `group` has the number, below `count`, of each row's."""
    if count > -(-len(group) // FEWEST):
        return None
    counts = np.bincount(group, minlength=count)
    sizes = sorted({*counts.tolist(), int(np.gcd.reduce(counts))} - {1}) or [1]
    sizes = [*sizes[:: -(-len(sizes) // _MOST_TRIED)], sizes[-1]]
    order, bounds = np.argsort(group, kind="stable"), np.cumsum(counts)
    pieces = [_pieces(order, bounds, size) for size in sizes]
    return min(pieces, key=lambda groups: _cost(groups, len(group)))


def _pieces(order: Numbers, bounds: Numbers, size: int) -> RowGroups:
    parts: list[Numbers] = []
    for rows in np.split(order, bounds[:-1]):
        table = np.full((-(-len(rows) // size), size), -1)
        table.reshape(-1)[: len(rows)] = rows
        parts.append(table)
    return RowGroups(np.concatenate(parts))


def _cost(groups: RowGroups, rows: int) -> int:
    """Rows in arrays, what pieces cost, and what it costs to bring rows together."""
    return groups.table.size + _PIECE * len(groups.table) + (0 if groups.is_in_order else rows)
