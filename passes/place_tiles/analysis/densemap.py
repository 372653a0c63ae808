"""The densemap mapping of arXiv 2510.11192: arrays full of block diagonals, those of one factor in different arrays."""

from collections.abc import Sequence

import numpy as np

from passes.analysis.places import Placement, Table
from passes.place_tiles.analysis.placement import WeightTiles

_BLOCK = ("weight", "stage", "second", "tile", "down", "across")
"""Columns of a table of blocks: of an array's `down x across` places for blocks of that size."""


def place_densemap(weights: Sequence[WeightTiles], array_rows: int, array_columns: int) -> list[Placement]:
    """Block diagonals of all weights fill arrays; those that run at the same time lie in different ones.

    An array of `m x m` holds `g` diagonals of `g = m // b` blocks: diagonal i has its block j at block row j and block
    column `(j + i) mod g`, so it delivers its outputs rotated by i blocks. The second factor of a Monarch pair uses
    diagonal `-i mod g` where the first uses i (0 and g/2 are their own inverses): its rotation takes the first one's
    back. Our machine addresses the inputs and outputs of each tile, so a rotation that no partner takes back
    costs no instruction either; the pairing is kept because hardware with fixed wiring needs it.

    The diagonals of one array wait for each other, since each column converts one sum at a time. So each weight adds
    as many arrays as its own diagonals fill, and the diagonals of all weights are dealt over all of these (`deal`):
    those of one stage lie in different arrays, as far as there are. A weight with fewer diagonals than an array holds
    takes every second one, or every third ...: block rows between which no diagonal has a block run at the same time.

    Blocks that are no squares: an array has `rows // height` by `columns // width` places, and as many diagonals as
    the longer side of this grid; none has two blocks in a row or column. Blocks share an array if they have the same
    grid. Dense weights have one tile an array.
    """
    places = [np.zeros((len(weight.tiles), 3), np.int64) for weight in weights]
    used = 0
    for weight, own in zip(weights, places):
        if weight.dense:
            own[:, 0] = used + np.arange(len(own))
            used += len(own)
    blocks = _blocks(weights, array_rows, array_columns)
    sizes = np.array([array_rows, array_columns])
    for grid in np.unique(blocks[:, 4:], axis=0):
        same = blocks[(blocks[:, 4:] == grid).all(axis=1)]
        array, cell, arrays = _places(same, *grid.tolist())
        made = np.column_stack([used + array, cell * (sizes // grid)])
        numbers, first = np.unique(same[:, 0], return_index=True)
        for weight, tiles, own in zip(numbers.tolist(), np.split(same[:, 3], first[1:]), np.split(made, first[1:])):
            places[weight][tiles] = own
        used += arrays
    return [Placement(weight.tiles, own) for weight, own in zip(weights, places)]


def _blocks(weights: Sequence[WeightTiles], array_rows: int, array_columns: int) -> Table:
    """A row _BLOCK for each tile of a structured weight."""
    tables = [np.zeros((0, len(_BLOCK)), np.int64)]
    for number, weight in enumerate(weights):
        if not weight.dense:
            head = np.broadcast_to([number, weight.stage, weight.second], (len(weight.tiles), 3))
            grids = np.array([array_rows, array_columns]) // weight.tiles[:, 2:]
            tables.append(np.column_stack([head, np.arange(len(weight.tiles)), grids]))
    return np.concatenate(tables)


def _places(blocks: Table, down: int, across: int) -> tuple[Table, Table, int]:
    """The array, from 0 on, and the cell of each block of one grid (rows _BLOCK, weight by weight), and how many
    arrays there are."""
    long, short = max(down, across), min(down, across)
    stage, second = blocks[:, 1], blocks[:, 2]
    first, count = np.unique(blocks[:, 0], return_index=True, return_counts=True)[1:]
    number, block = np.divmod(np.arange(len(blocks)) - np.repeat(first, count), short)
    step = np.maximum(1, long // -(-count // short))
    rotation = np.where(second, -1, 1) * number * np.repeat(step, count) % long
    arrays = int((-(-count // (long * short))).sum())
    begins = block == 0  # a diagonal
    dealt = deal(stage[begins], rotation[begins], arrays)[np.cumsum(begins) - 1]
    turned = (block + rotation) % long
    return dealt, np.column_stack([block, turned] if across >= down else [turned, block]), arrays


def deal(stage: Table, rotation: Table, arrays: int) -> Table:
    """An array for each diagonal, no rotation twice in one; of each stage about equally many in all arrays.

    Expects at most `arrays` diagonals of each rotation. Those of one rotation take the arrays in turn, each rotation
    from a place of its own on, and arrays that have fewest diagonals of the stage first.
    """
    rotations = np.unique(rotation)
    free = {r: np.ones(arrays, np.bool_) for r in rotations.tolist()}
    turn = {r: i * arrays // len(rotations) for i, r in enumerate(rotations.tolist())}
    dealt, load = np.zeros_like(stage), np.zeros(arrays, np.int64)
    order = np.lexsort([rotation, stage])
    changes = np.flatnonzero(np.diff(stage[order]) | np.diff(rotation[order])) + 1
    previous = -1
    for members in np.split(order, changes) if len(order) else []:
        own_stage, r = int(stage[members[0]]), int(rotation[members[0]])
        if own_stage != previous:
            load[:], previous = 0, own_stage
        candidates = np.flatnonzero(free[r])
        ranking = np.lexsort([(candidates - turn[r]) % arrays, load[candidates]])
        chosen = candidates[ranking[: len(members)]]
        dealt[members], free[r][chosen], turn[r] = chosen, False, int(chosen[-1]) + 1
        load[chosen] += 1
    return dealt
