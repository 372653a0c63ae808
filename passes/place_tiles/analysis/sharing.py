"""Tiles with equal cells: which of them get a place of their own, and which lie where another one lies."""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
import numpy.typing as npt

from passes.analysis.blocks import identity
from passes.analysis.places import Table
from passes.place_tiles.analysis.choices import ARRAYS, LATENCY
from passes.place_tiles.analysis.filling import TILE

TileOf = Callable[[int], npt.NDArray[np.generic]]
"""The cells [rows, columns] of the tile of that number."""

_STAGE, _K, _N = (TILE.index(name) for name in ("stage", "weight_row", "weight_column"))


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


def representatives(tiles: Table, classes: Table, objective: str) -> tuple[Table, Table]:
    """The tiles (rows TILE) that get a place of their own, by number, and for each tile which of these it lies with.

    With `arrays` all tiles of a class lie in one place. With `latency` those of one stage lie apart, and share their
    places with those of other stages. With `throughput` all lie apart, for all stages run at the same time.
    """
    if objective == ARRAYS:
        key = classes
    elif objective == LATENCY:
        key = classes * (len(tiles) + 1) + _turn(classes, tiles[:, _STAGE])
    else:
        key = np.arange(len(tiles))
    _, first, owner = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order].astype(np.int64), rank[owner.reshape(-1)].astype(np.int64)


def _turn(classes: Table, stages: Table) -> Table:
    """How many tiles of its class and its stage come before each tile."""
    order = np.lexsort([np.arange(len(classes)), stages, classes])
    both = np.stack([classes[order], stages[order]], axis=1)
    starts = np.flatnonzero(np.concatenate([[True], (np.diff(both, axis=0) != 0).any(axis=1)]))[: len(order)]
    turn = np.empty_like(classes)
    turn[order] = np.arange(len(order)) - np.repeat(starts, np.diff([*starts, len(order)]))
    return turn


def lie_with(tiles: Table, pieces: Table, first: Table, owner: Table) -> Table:
    """The pieces of all tiles (rows TILE, then array, row, column) where only those of representatives are placed.

    `pieces` are those of the tiles `first`, their weight being the number of the tile among these; `owner` is the
    number of each tile's representative there. Each tile is cut as its representative is.
    """
    pieces = pieces[np.argsort(pieces[:, 0], kind="stable")]
    begin = np.searchsorted(pieces[:, 0], np.arange(len(first) + 1))
    count = np.diff(begin)[owner]
    tile = np.repeat(np.arange(len(tiles)), count)
    inside = np.arange(len(tile)) - np.repeat(np.cumsum(count) - count, count)
    placed = pieces[begin[owner[tile]] + inside]
    moved = tiles[tile] - tiles[first[owner[tile]]]
    placed[:, [_K, _N]] += moved[:, [_K, _N]]
    placed[:, :_K] = tiles[tile, :_K]
    return placed
