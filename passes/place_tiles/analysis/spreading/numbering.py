"""The tiles of all weights in one table, and what is known of them."""

from collections.abc import Sequence

import numpy as np

from passes.analysis.places import Table
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.analysis.spreading.parts import PART
from passes.place_tiles.analysis.spreading.tiles import TILE


def numbered(weights: Sequence[WeightTiles]) -> tuple[Table, Table]:
    """The tiles of all weights as rows TILE, and their parts as rows PART.

    Where the vector of a weight is not known, it is one of its own.
    """
    tables, parts, works = [np.zeros((0, len(TILE)), np.int64)], [np.zeros((0, len(PART)), np.int64)], 1
    before = 0
    for number, weight in enumerate(weights):
        source = -1 - number if weight.source is None else weight.source
        work = 0 if weight.work_of is None else works + weight.work_of
        head = np.broadcast_arrays(number, weight.stage, source, work, np.empty(len(weight.tiles)))[:4]
        tables.append(np.column_stack([*head, weight.tiles]).astype(np.int64))
        if weight.parts is not None:
            parts.append(weight.parts + np.array([before, 0, 0, 0, 0, works]))
        works += len(weight.works)
        before += len(weight.tiles)
    return np.concatenate(tables), np.concatenate(parts)


def classes_of_tiles(weights: Sequence[WeightTiles]) -> Table:
    """For each tile the number that tiles with equal cells share; tiles of which nothing is known have their own."""
    known = [np.zeros(0, np.int64), *(w.classes for w in weights if w.classes is not None)]
    unknown = 1 + max(int(classes.max(initial=-1)) for classes in known)
    parts = [np.zeros(0, np.int64)]
    for w in weights:
        parts.append(np.arange(unknown, unknown + len(w.tiles)) if w.classes is None else w.classes)
        unknown += len(w.tiles)
    return np.concatenate(parts)
