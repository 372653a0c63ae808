"""Tiles of a network with equal cells."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
import numpy.typing as npt

from passes.analysis.blocks import identity
from passes.analysis.places import Table

TileOf = Callable[[int], npt.NDArray[np.generic]]
"""The cells [rows, columns] of the tile of that number."""


def worth_sharing(tiles: Table) -> npt.NDArray[np.bool_]:
    """Which tiles (weight_row, weight_column, rows, columns) are large enough not to be equal by chance.

    Columns are scaled to their largest number, so that those of one row are all 127 or -127.
    """
    return (tiles[:, 2:] >= 2).all(axis=1) & (tiles[:, 2] * tiles[:, 3] >= LEAST_CELLS)


LEAST_CELLS = 16
"""Of a tile that is looked at, where it is not known that its blocks repeat."""


def classes_of(
    sizes: Sequence[int], weight: Callable[[int], TileOf], looked_at: Sequence[npt.NDArray[np.bool_]]
) -> list[Table]:
    """For each tile of each weight a number that those tiles share whose shape, type and cells are equal.

    Tiles that are not `looked_at` have a number of their own.

    Weight i has `sizes[i]` tiles, and `weight(i)` gives them; it is asked once, and again only if the first row of one
    of its tiles is that of another tile. So the cells of a network without repetition are hardly read.
    """
    first_rows = [
        _keys(weight(i), range(count), _first_row) if looked_at[i].any() else list[Hashable]([None] * count)
        for i, count in enumerate(sizes)
    ]
    seen: dict[Hashable, int] = {}
    for keys in first_rows:
        for key in keys:
            seen[key] = seen.get(key, 0) + 1
    numbers: dict[Hashable, int] = {}
    classes: list[Table] = []
    for i, keys in enumerate(first_rows):
        alike = [number for number, key in enumerate(keys) if looked_at[i][number] and seen[key] > 1]
        own: list[Hashable] = [(i, number) for number in range(len(keys))]
        if alike:
            for number, key in zip(alike, _keys(weight(i), alike, identity)):
                own[number] = key
        classes.append(np.array([numbers.setdefault(key, len(numbers)) for key in own], np.int64))
    return classes


def _keys(tile: TileOf, numbers: Sequence[int], key: Callable[[npt.NDArray[np.generic]], Hashable]) -> list[Hashable]:
    return [key(tile(number)) for number in numbers]


def _first_row(cells: npt.NDArray[np.generic]) -> Hashable:
    return cells.shape, cells.dtype.str, hash(cells[0].tobytes())
