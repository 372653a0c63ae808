"""Zero points of blocks: part of the integers that arrays hold, where these need no more bits for it, else beside them.

In encoding `offset` a weight needs the bits of its *span*, the largest number of a column less the smallest. Integers
of 4 bits less a zero point of theirs lie in [-15, 15], but where the zero point is one a column they span 15, and 4
bits hold them. Where it is another in each row they span up to 30: it stays beside them.
"""

from dataclasses import dataclass

import numpy as np

from dialects.element_types import Array
from passes.rewriting.constants.scale_groups import is_one_a_column, is_one_a_row

LOWEST, HIGHEST = -128, 127


@dataclass(frozen=True)
class Moved:
    """int8 [pieces, rows, columns], and what is still to be subtracted from them: one a column, or one a row.

    `column` is [pieces, columns] and `row` [pieces, rows]; None for nothing.
    """

    values: Array
    column: Array | None = None
    row: Array | None = None


def largest_span(values: Array) -> int:
    """How far apart numbers of the bits that these integers need can be."""
    low, high = int(values.min()), int(values.max())
    return (1 << (high - low).bit_length()) - 1


def moved(values: Array, zero: Array | None, span: int | None) -> Moved | None:
    """Integers of at most 8 bits less their zero points [pieces, rows, columns], as int8.

    No column spans more than `span`, if that is given. None where what would be left of the zero points is neither one
    a column nor one a row, or where they are not finite.
    """
    if zero is None and values.dtype == np.int8:
        return Moved(values)
    if zero is None:
        wide = values.astype(np.int16)
        return Moved(wide.astype(np.int8)) if _fits(wide, None) else _beside(wide, np.zeros((1, 1, 1)), _middle(values))
    if zero.dtype.kind == "f" and not np.isfinite(zero).all():
        return None
    zero = _fewest(zero)
    return _within(values, zero, span) or _stays(values, zero)


def _within(values: Array, zero: Array, span: int | None) -> Moved | None:
    """The whole part of zero points goes into the integers, what is left is the rest."""
    whole = np.clip(np.rint(zero), -_FAR, _FAR).astype(np.int16)
    wide = values - whole if values.dtype == np.int16 else values.astype(np.int16) - whole
    return _beside(wide, zero - whole, None) if _fits(wide, span) else None


def _stays(values: Array, zero: Array) -> Moved | None:
    """All zero points stay beside integers that are moved by one number at most."""
    wide = values.astype(np.int16)
    if is_one_a_column(zero):
        return _beside(wide, zero, _middle(values))
    low, high = int(wide.min()), int(wide.max())
    nearest = int(np.clip(np.rint(zero.mean()), high - HIGHEST, low - LOWEST))
    return _beside(wide, zero, nearest) if is_one_a_row(zero) else None


_FAR = 1 << 10
"""No integers of 8 bits fit int8 when they are moved this far."""


def _middle(values: Array) -> int:
    """What brings integers of a type into int8."""
    return 128 if values.dtype == np.uint8 else 0


def _fits(wide: Array, span: int | None) -> bool:
    low, high = wide.min(axis=1), wide.max(axis=1)
    is_within = int(low.min()) >= LOWEST and int(high.max()) <= HIGHEST
    return is_within and (span is None or int((high - low).max()) <= span)


def _beside(wide: Array, zero: Array, by: int | None) -> Moved | None:
    """Integers moved by a number, with zero points less this number beside them."""
    values = (wide if by is None else wide - np.int16(by)).astype(np.int8)
    rest = zero if by is None else zero - by
    pieces, rows, columns = wide.shape
    if not rest.any():
        return Moved(values)
    if is_one_a_column(rest):
        return Moved(values, column=np.ascontiguousarray(np.broadcast_to(rest[:, 0], (pieces, columns))))
    if is_one_a_row(rest):
        return Moved(values, row=np.ascontiguousarray(np.broadcast_to(rest[:, :, 0], (pieces, rows))))
    return None


def _fewest(zero: Array) -> Array:
    """Zero points [pieces, rows or 1, columns or 1]: one along an axis where all are the same."""
    zero = zero[:, :1] if is_one_a_column(zero) else zero
    return zero[:, :, :1] if is_one_a_row(zero) else zero
