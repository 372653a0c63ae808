"""Tiles with equal cells: which of them get a place of their own, and which lie where another one lies."""

import numpy as np

from passes.analysis.objectives import ARRAYS, LATENCY
from passes.analysis.places import Table
from passes.place_tiles.analysis.spreading.tiles import STAGE, K, N


def representatives(tiles: Table, classes: Table, objective: str) -> tuple[Table, Table]:
    """The tiles (rows TILE) that get a place of their own, by number, and for each tile which of these it lies with.

    With `arrays` all tiles of a class lie in one place. With `latency` those of one stage lie apart, and share their
    places with those of other stages. With `throughput` all lie apart, for all stages run at the same time.
    """
    if objective == ARRAYS:
        key = classes
    elif objective == LATENCY:
        key = classes * (len(tiles) + 1) + _turn(classes, tiles[:, STAGE])
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
    placed[:, [K, N]] += moved[:, [K, N]]
    placed[:, :K] = tiles[tile, :K]
    return placed
