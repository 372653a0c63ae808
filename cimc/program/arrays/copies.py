"""Copies of weights: which tile is of which, and which multiplies a vector (I25)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cimc.program.metadata import Multiplication, Weight

MOST_COPIES = 256
"""Of a weight, which the `flags` of a record can number; and the most vectors after which all copies have their turn
again."""
_WEIGHT, _K, _N = 0, 6, 7


def copies_of_tiles(tiles: NDArray[np.int32], weights: Sequence[Weight]) -> NDArray[np.int64]:
    """The number of the copy of its weight that each tile is of.

    Copies stand one after the other, the tiles of each by the row and then the column of the weight that they begin
    with: so a copy ends where a tile does not begin after the one before it.
    """
    copies = np.zeros(len(tiles), np.int64)
    for number, weight in enumerate(weights):
        if weight.copies > 1:
            own = np.flatnonzero(tiles[:, _WEIGHT] == number)
            row, column = tiles[own, _K], tiles[own, _N]
            begins = (row[1:] < row[:-1]) | ((row[1:] == row[:-1]) & (column[1:] <= column[:-1]))
            copies[own[1:]] = np.cumsum(begins)
    return copies


def copies_of_values(
    multiplications: Sequence[Multiplication], weights: Sequence[Weight], slots: int
) -> NDArray[np.int64]:
    """For each value how many copies there are of the weight whose product it is; 1 for others."""
    copies = np.ones(slots, np.int64)
    for made in multiplications:
        copies[made.y] = weights[made.weight].copies
    return copies
