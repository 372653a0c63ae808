"""Scales of least error: what a group loses by clipping its largest numbers, it gains in finer steps for all others.

A scale may be negative. Integers of b bits reach from `-2^(b-1)` to `2^(b-1) - 1`, one further on one side: a negative
scale lets that be the side of the larger numbers, and the integers stay such of b bits in every encoding.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from passes.quantize.analysis.choices import Resolution
from passes.quantize.analysis.grids import TOGETHER, Grid, largest_grid, largest_magnitudes, largest_of_tied

Array = npt.NDArray[Any]

_COARSE = np.geomspace(1, 0.15, 11, dtype=np.float32)
"""Scales that are tried, as shares of that of the largest magnitude."""
_FINE = (np.float32(1.09), np.float32(1.04))
"""Steps up and down from the best of them, one after the other."""


def least_error_grid(
    blocks: Array, how: Resolution, tied: npt.NDArray[np.int64] | None = None, importance: Array | None = None
) -> Grid:
    """The grid of least squared error, as far as a search finds it; each number becomes its nearest integer.

    `blocks` is float32 [blocks, rows, columns]; `importance` [blocks, rows] weighs the squares, with the squares of a
    row's inputs for example. Columns of a matrix that have the same number in `tied` have one scale.
    Raises OverflowError for a number that float32 has not: not a number, infinite or too large.
    """
    grid = largest_grid(blocks, how, tied)
    largest = largest_magnitudes(blocks, how)
    if tied is not None:
        largest = largest_of_tied(largest, tied)
    scales = grid.scales.copy()
    for block, groups, rows, columns in _parts(blocks.shape, grid, tied is not None):
        numbers = blocks[block, rows, columns].reshape(groups.stop - groups.start, -1, columns.stop - columns.start)
        unit = largest[block, groups, columns]
        weights = None if importance is None else importance[block, rows].reshape(*numbers.shape[:2], 1)
        found = _Search(numbers / np.where(unit > 0, unit, 1)[:, None], weights, how, tied).shares()
        scales[block, groups, columns] = unit * found
    wrong = (scales == 0) | ~np.isfinite(scales)
    return replace(grid, scales=np.where(wrong, grid.scales, scales))


def _parts(shape: tuple[int, ...], grid: Grid, whole: bool) -> Iterator[tuple[int, slice, slice, slice]]:
    """Block, groups, rows and columns of parts that stay near the processor, or of `whole` blocks; groups are whole."""
    count, rows, columns = shape
    full = rows // grid.size
    wide = max(1, columns if whole else min(columns, max(16, TOGETHER // grid.size)))
    many = max(1, full if whole else TOGETHER // (grid.size * wide))
    groups = [slice(first, min(full, first + many)) for first in range(0, full, many)]
    if full < grid.scales.shape[1] and rows:
        groups.append(slice(full, full + 1))
    for block in range(count):
        for part in groups:
            here = slice(part.start * grid.size, min(rows, part.stop * grid.size))
            for first in range(0, columns, wide):
                yield block, part, here, slice(first, min(columns, first + wide))


class _Search:
    """The search for one part: `numbers` [groups, rows, columns], each column of a group with largest magnitude 1."""

    def __init__(
        self, numbers: Array, weights: Array | None, how: Resolution, tied: npt.NDArray[np.int64] | None
    ) -> None:
        self.numbers, self.weights, self.tied = numbers, weights, tied
        self.top = np.float32((1 << (how.bits - 1)) - 1)
        self.low = self.top - np.float32(how.levels)

    def shares(self) -> Array:
        """The best scales [groups, columns] of those that are tried."""
        groups, _, columns = self.numbers.shape
        best = np.full((groups, columns), 1 / self.top, np.float32)
        error = self._error(best)
        for share in _COARSE:
            for sign in (1, -1):
                self._better(best, error, np.full_like(best, sign * share / self.top))
        for step in _FINE:
            start = best.copy()
            self._better(best, error, start * step)
            self._better(best, error, start / step)
        self._better(best, error, self._fitted(best))
        return best

    def _better(self, best: Array, error: Array, scales: Array) -> None:
        """Take other scales where they make less error."""
        other = self._error(scales)
        less = other < error
        best[less], error[less] = scales[less], other[less]

    def _integers(self, scales: Array) -> Array:
        integers = self.numbers / scales[:, None]
        np.rint(integers, out=integers)
        return np.clip(integers, self.low, self.top, out=integers)

    def _error(self, scales: Array) -> Array:
        lost = self._integers(scales)
        lost *= scales[:, None]
        lost -= self.numbers
        lost *= lost
        return self._sum(lost)

    def _fitted(self, scales: Array) -> Array:
        """The scales of least error for the integers that these make of the numbers."""
        integers = self._integers(scales)
        above, below = self._sum(integers * self.numbers), self._sum(integers * integers)
        return np.where((below > 0) & (above != 0), above / np.where(below > 0, below, 1), scales)

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
