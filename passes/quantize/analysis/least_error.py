"""Scales of least error: what a group loses by clipping its largest numbers, it gains in finer steps for all others.

A scale may be negative. Integers of b bits reach from `-2^(b-1)` to `2^(b-1) - 1`, one further on one side: a negative
scale lets that be the side of the larger numbers, and the integers stay such of b bits in every encoding. Weights whose
columns lie on one side of 0 lose about half as much with integers that do so too, `low` to `low + 2^b - 1`: these need
b bits in encoding `offset`, where a column has an offset of its own, and one more in others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from passes.quantize.analysis.choices import Resolution
from passes.quantize.analysis.grids import TOGETHER, Ends, Grid, Numbers, ends_of, largest_grid

Array = npt.NDArray[Any]

WORTH_IT = 0.8
"""A weight has integers on one side where it loses at most this share of what it loses with integers around 0."""
_ONE_SIDED = 0.85
"""It can lose so much less only if its columns span less than this share of what lies around 0."""
_COARSE = np.geomspace(1, 0.15, 11, dtype=np.float32)
"""Scales that are tried, as shares of the one that holds all numbers."""
_FINE = (np.float32(1.09), np.float32(1.04))
"""Steps up and down from the best of them, one after the other."""


def least_error_grid(
    blocks: Array,
    how: Resolution,
    tied: Numbers | None = None,
    importance: Array | None = None,
    any_side: bool = False,
) -> Grid:
    """The grid of least squared error, as far as a search finds it; each number becomes its nearest integer.

    `blocks` is float32 [blocks, rows, columns]; `importance` [blocks, rows] weighs the squares, with the squares of a
    row's inputs for example. Columns of a matrix that have the same number in `tied` have one scale. With `any_side`
    each group has the integers that suit it best, however little it gains by them.
    Raises OverflowError for a number that float32 has not: not a number, infinite or too large.
    """
    search = _Search(blocks, largest_grid(blocks, how, tied), ends_of(blocks, how, tied), tied, importance)
    if any_side:
        return _with_small_codes(search.best(around_zero=False)[0])
    grid, lost = search.best(around_zero=True)
    if search.is_one_sided:
        other, other_lost = search.best(around_zero=False)
        return other if other_lost <= WORTH_IT**2 * lost else grid
    return grid


def _with_small_codes(grid: Grid) -> Grid:
    """The same numbers by scales of the sign that puts 0 into the lower half of the integers.

    Cells hold integers counted from the least one, so those of weights around 0 are smaller then, and so are their
    sums, which decide how many rows an ADC reads at a time.
    """
    mirrored = 2 * grid.low < -grid.levels
    scales = np.where(mirrored, -grid.scales, grid.scales)
    return replace(grid, scales=scales, low=np.where(mirrored, -(grid.low + grid.levels), grid.low).astype(np.int16))


@dataclass(frozen=True)
class _Search:
    """The search for the grid of blocks, beginning with one that holds their largest magnitudes."""

    blocks: Array
    start: Grid
    ends: Ends
    tied: Numbers | None
    importance: Array | None

    @property
    def is_one_sided(self) -> bool:
        """Whether groups span much less than twice their largest magnitude; those with large numbers count most."""
        largest = self.ends.largest.astype(np.float64)
        share = largest / max(float(largest.max(initial=0)), 1e-45)
        span = share * (self.ends.high - self.ends.low.astype(np.float64))
        return bool(span.sum() < _ONE_SIDED * 2 * (share * largest).sum())

    def best(self, around_zero: bool) -> tuple[Grid, float]:
        """The best grid that is found, of integers `around_zero` or any, and the squared error that it makes."""
        scales, low, lost = self.start.scales.copy(), self.start.low.copy(), 0.0
        largest = self.ends.largest
        for block, groups, rows, columns in self._parts():
            here = block, groups, columns
            unit = np.where(largest[here] > 0, largest[here], np.float32(1))
            numbers = self.blocks[block, rows, columns].reshape(len(unit), -1, unit.shape[1]) / unit[:, None]
            ends = Ends(self.ends.low[here] / unit, self.ends.high[here] / unit)
            weights = None if self.importance is None else self.importance[block, rows].reshape(len(unit), -1, 1)
            part = _Part(numbers, ends, weights, self.tied, self.start.levels)
            found = part.around_zero()
            if not around_zero:
                found = found.improved(part.on_one_side())
            made = found.scales * unit
            usable = (made != 0) & np.isfinite(made) & (largest[here] > 0)
            scales[here] = np.where(usable, made, scales[here])
            low[here] = np.where(usable, found.low, low[here])
            lost += float((found.error * np.square(unit, dtype=np.float64)).sum())
        return replace(self.start, scales=scales, low=low), lost

    def _parts(self) -> Iterator[tuple[int, slice, slice, slice]]:
        """Block, groups, rows and columns of parts that stay near the processor; tied columns are in one part."""
        (count, rows, columns), size, whole = self.blocks.shape, self.start.size, self.tied is not None
        full = rows // size
        wide = max(1, columns if whole else min(columns, max(16, TOGETHER // size)))
        many = max(1, full if whole else TOGETHER // (size * wide))
        groups = [slice(first, min(full, first + many)) for first in range(0, full, many)]
        if full < self.start.groups and rows:
            groups.append(slice(full, full + 1))
        for block in range(count):
            for part in groups:
                here = slice(part.start * size, min(rows, part.stop * size))
                for first in range(0, columns, wide):
                    yield block, part, here, slice(first, min(columns, first + wide))


@dataclass(frozen=True)
class _Found:
    """The best scales so far and their least integers, with the squared errors that they make: [groups, columns]."""

    scales: Array
    low: Array
    error: Array

    def improved(self, other: "_Found") -> "_Found":
        """Another one's where that makes less error."""
        less = other.error < self.error
        pairs = (self.scales, other.scales), (self.low, other.low), (self.error, other.error)
        return _Found(*(np.where(less, theirs, mine) for mine, theirs in pairs))


@dataclass(frozen=True)
class _Part:
    """Some groups: `numbers` [groups, rows, columns], of which the largest magnitude in each column of a group is 1."""

    numbers: Array
    ends: Ends
    weights: Array | None
    tied: Numbers | None
    levels: int

    def around_zero(self) -> _Found:
        """Scales of both signs for the integers of b bits with a sign."""
        top = self.levels // 2
        shape = self.ends.high.shape
        low = np.full(shape, top - self.levels, np.float32)
        found = self._tried(np.full(shape, 1 / top, np.float32), low)
        for share in _COARSE:
            for sign in (1, -1):
                found = found.improved(self._tried(np.full(shape, sign * share / top, np.float32), low))
        return self._refined(found, low)

    def on_one_side(self) -> _Found:
        """Scales for as many integers that lie where the numbers do; 0 is among them."""
        span = np.maximum(self.ends.high - self.ends.low, np.finfo(np.float32).tiny)
        step = span / np.float32(self.levels)
        found = self._tried(step, self._low(step))
        for share in _COARSE[1:]:
            found = found.improved(self._tried(step * share, self._low(step * share)))
        return self._refined(found, None)

    def _low(self, scales: Array) -> Array:
        """The least integer of a range whose middle is that of the numbers."""
        middle = (self.ends.low + self.ends.high) / 2
        return np.clip(np.rint(middle / scales - np.float32(self.levels / 2)), -self.levels, 0)

    def _refined(self, found: _Found, low: Array | None) -> _Found:
        for step in _FINE:
            for scales in (found.scales * step, found.scales / step):
                found = found.improved(self._tried(scales, self._low(scales) if low is None else low))
        return found.improved(self._tried(self._fitted(found), found.low))

    def _tried(self, scales: Array, low: Array) -> _Found:
        lost = self._integers(scales, low)
        lost *= scales[:, None]
        lost -= self.numbers
        lost *= lost
        return _Found(scales, low, self._sum(lost))

    def _integers(self, scales: Array, low: Array) -> Array:
        integers = self.numbers / scales[:, None]
        np.rint(integers, out=integers)
        return np.clip(integers, low[:, None], low[:, None] + np.float32(self.levels), out=integers)

    def _fitted(self, found: _Found) -> Array:
        """The scales of least error for the integers that these make of the numbers."""
        integers = self._integers(found.scales, found.low)
        above, below = self._sum(integers * self.numbers), self._sum(integers * integers)
        return np.where((below > 0) & (above != 0), above / np.where(below > 0, below, 1), found.scales)

    def _sum(self, terms: Array) -> Array:
        """Over rows, and over tied columns."""
        if self.weights is not None:
            terms *= self.weights
        total = terms.sum(axis=1)
        if self.tied is None:
            return total
        together = np.zeros_like(total)
        for mine, given in zip(together, total):
            np.add.at(mine, self.tied, given)
        return together[:, self.tied]
