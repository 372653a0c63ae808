"""How many crossbars weights take in their formats, by their cells: no mapping takes fewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Room:
    """The cells of weights: those that are their own, and `shared` int64 [tile, (class, weight, cells)] of tiles that
    other weights have too and that are stored once in each format."""

    own: Table
    shared: Table
    array_cells: int

    @staticmethod
    def of(tiles: Sequence[Table], classes: Sequence[Table], array_cells: int) -> "Room":
        """For the tiles (weight_row, weight_column, rows, columns) of each weight, of which equal ones have one number
        in `classes`; a crossbar has `array_cells`."""
        weight = np.repeat(np.arange(len(tiles)), [len(table) for table in tiles])
        cells = np.concatenate([np.zeros(0, np.int64), *(table[:, 2] * table[:, 3] for table in tiles)])
        class_ = np.concatenate([np.zeros(0, np.int64), *classes])
        first = np.unique(np.stack([class_, weight]), axis=1, return_index=True)[1]
        class_, weight, cells = class_[first], weight[first], cells[first]
        is_shared = np.bincount(class_)[class_] > 1 if len(class_) else np.zeros(0, np.bool_)
        own = np.bincount(weight[~is_shared], cells[~is_shared], len(tiles)).astype(np.int64)
        return Room(own, np.stack([class_, weight, cells], axis=1)[is_shared], array_cells)

    def part(self, weights: Sequence[int]) -> "Room":
        """Of these weights alone, numbered anew in this order."""
        number = np.full(len(self.own), -1, np.int64)
        number[list(weights)] = np.arange(len(weights))
        shared = self.shared[number[self.shared[:, 1]] >= 0].copy()
        shared[:, 1] = number[shared[:, 1]]
        return Room(self.own[list(weights)], shared, self.array_cells)

    def cells(self, format_of: npt.NDArray[Any], formats: int) -> Table:
        """How many cells each of so many formats has, int64 [formats], if the weights have those of these numbers."""
        cells = np.bincount(format_of, self.own, formats).astype(np.int64)
        if len(self.shared):
            class_, weight, size = self.shared.T
            first = np.unique(class_ * formats + format_of[weight], return_index=True)[1]
            cells += np.bincount(format_of[weight[first]], size[first], formats).astype(np.int64)
        return cells

    def crossbars(self, format_of: npt.NDArray[Any], slices: Sequence[int]) -> int:
        """How many crossbars all weights take, a format of that number having so many slices."""
        arrays = -(-self.cells(format_of, len(slices)) // self.array_cells)
        return int(arrays @ np.array(slices, np.int64))
