"""Grids: the numbers that the integers of a few bits stand for, in each group of rows of a column."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passes.quantize.analysis.choices import Resolution

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.int64]


TOGETHER = 1 << 16
"""Numbers quantised at a time, which stay near the processor."""


@dataclass(frozen=True)
class Grid:
    """Integers `low` to `low + levels`, times `scales`: those of one group of rows of a column of a block.

    `scales` is float32 [blocks, groups, columns], negative ones included, and never 0; `low` is int16 of that shape.
    A group has `size` rows, the last perhaps fewer. A matrix is one block.
    """

    scales: Array
    low: Array
    levels: int
    size: int

    @property
    def groups(self) -> int:
        """How many groups the rows of a block fall into."""
        return self.scales.shape[1]

    @property
    def columns(self) -> int:
        """Of a block."""
        return self.scales.shape[2]

    def rounded(self, blocks: Array) -> npt.NDArray[np.int8]:
        """The integers nearest to blocks [blocks, rows, columns] of float32, half to even."""
        values = np.empty(blocks.shape, np.int8)
        for here in self.parts(blocks.shape):
            part = blocks[here.rows] / here.of(self.scales)
            np.rint(part, out=part)
            low = here.of(self.low)
            np.clip(part, low, low + self.levels, out=part)
            values[here.rows] = part
        return values

    def parts(self, shape: tuple[int, ...]) -> Iterator["Part"]:
        """All of blocks [blocks, rows, columns], some rows of one group at a time."""
        count, rows, columns = shape
        together = max(1, TOGETHER // max(1, columns))
        for block in range(count):
            for group in range(self.groups):
                end = min(rows, (group + 1) * self.size)
                for first in range(group * self.size, end, together):
                    yield Part(block, group, first, min(end, first + together))


@dataclass(frozen=True)
class Part:
    """Rows `first` to `end - 1` of a block, which lie in one of its groups."""

    block: int
    group: int
    first: int
    end: int

    @property
    def rows(self) -> tuple[int, slice]:
        """Where they are in [blocks, rows, columns]."""
        return self.block, slice(self.first, self.end)

    def of(self, grid: Array) -> Array:
        """What [blocks, groups, columns] says of their group."""
        return grid[self.block, self.group]


@dataclass(frozen=True)
class Ends:
    """The least and the greatest number of each group, 0 included: [blocks, groups, columns]."""

    low: Array
    high: Array

    @property
    def largest(self) -> Array:
        """The largest magnitude of each group."""
        return np.maximum(self.high, -self.low)


def ends_of(blocks: Array, how: Resolution, tied: Numbers | None = None) -> Ends:
    """The ends of the groups of blocks [blocks, rows, columns], one pair of them for columns that are tied.

    Raises OverflowError for a number that float32 has not: not a number, infinite or too large.
    """
    size = how.rows_of(blocks.shape[1])
    parts = [blocks[:, first : first + size] for first in range(0, max(1, blocks.shape[1]), size)]
    low = np.stack([part.min(axis=1, initial=0) for part in parts], axis=1)
    high = np.stack([part.max(axis=1, initial=0) for part in parts], axis=1)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise OverflowError("numbers that float32 has not")
    return Ends(low, high) if tied is None else Ends(-_largest_of_tied(-low, tied), _largest_of_tied(high, tied))


def _largest_of_tied(numbers: Array, tied: Numbers) -> Array:
    """For each column of [1, groups, columns] the largest number of those that it is tied to."""
    together = np.zeros_like(numbers)
    for mine, given in zip(together[0], numbers[0]):
        np.maximum.at(mine, tied, given)
    return together[:, :, tied]


def largest_grid(blocks: Array, how: Resolution, tied: Numbers | None = None) -> Grid:
    """The grid that holds the largest magnitude of each group: `scale = largest / (2^(bits - 1) - 1)`, 1 for zeros.

    `blocks` is float32 [blocks, rows, columns]. Columns of a matrix that have the same number in `tied` have one scale,
    that of the largest of them. Raises OverflowError as `ends_of` does.
    """
    top = (1 << (how.bits - 1)) - 1
    scales = (ends_of(blocks, how, tied).largest / np.float32(top)).astype(np.float32)
    scales[scales == 0] = 1
    low = np.full(scales.shape, top - how.levels, np.int16)
    return Grid(scales, low, how.levels, how.rows_of(blocks.shape[1]))
