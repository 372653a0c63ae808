"""The spread mapping: tiles of all weights fill few arrays, those of one stage in different ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd

import numpy as np

from passes.analysis.objectives import ARRAYS, THROUGHPUT
from passes.analysis.places import Placement, Table
from passes.place_tiles.analysis.filling import TILE, fill, fill_evenly
from passes.place_tiles.analysis.placement import WeightTiles, fewest_arrays
from passes.place_tiles.analysis.sharing import lie_with, representatives
from passes.place_tiles.analysis.strips import Plan, plan_strips

SLACK = 0.02
"""Arrays above the bound, as a share of it, that are put up with rather than cutting tiles between rows."""

_SPARE = 1 / 8
"""Empty columns, as a share of those in use, from which on it is tried to stack tiles less high."""
_SETTLING = 0.5
"""How long rows settle, in conversions: what speaks against narrow pieces; of the right order is enough."""
_STAGE, _N, _ROWS, _COLUMNS = (TILE.index(name) for name in ("stage", "weight_column", "rows", "columns"))


@dataclass(frozen=True)
class Goal:
    """What `spread` aims at, on a chip of so many `arrays` (None: as many as are needed) with `adcs` ADCs a crossbar.

    * `arrays`: as few as can be; tiles are cut between rows where that saves arrays.
    * `latency`: one vector as fast as can be. Tiles are cut between columns until a stage keeps the ADCs of all arrays
      busy, never between rows (unless the chip is too small), and as many arrays are used as make it faster.
    * `throughput`: many vectors, which are in different stages at one time: columns of few tiles, in all arrays.
    """

    objective: str = ARRAYS
    arrays: int | None = None
    adcs: int = 1


@dataclass(frozen=True)
class _Size:
    """The rows and columns of an array."""

    rows: int
    columns: int

    def arrays(self, plan: Plan) -> int:
        return -(-plan.columns // self.columns)


def place_spread(
    weights: Sequence[WeightTiles], array_rows: int, array_columns: int, goal: Goal = Goal()
) -> list[Placement]:
    """Places for the tiles of all weights, some of them cut; with the default goal in (nearly) as few arrays as
    `ceil(cells / (rows * columns))`.

    Weights of different stages share arrays without waiting for each other; tiles of one stage lie in different
    arrays, and beside each other where an array has to take several. Cutting between columns costs nothing and is
    done where it helps; cutting between rows costs a digital addition and is done only if the arrays would otherwise
    be more than `SLACK` above the bound, or above it at all where all heights divide an array's, or more than the chip
    has.
    Tiles with equal cells share a place where the objective allows it (`representatives`), and all of them where they
    would otherwise need more arrays than the chip has.
    """
    size = _Size(array_rows, array_columns)
    tiles = np.concatenate([np.zeros((0, len(TILE)), np.int64), *(_numbered(i, w) for i, w in enumerate(weights))])
    classes = _classes(weights)
    placed = _shared(tiles, classes, size, goal, goal.objective)
    if goal.objective != ARRAYS and goal.arrays is not None and placed[:, len(TILE)].max(initial=-1) >= goal.arrays:
        placed = _shared(tiles, classes, size, goal, ARRAYS)
    weight, first, last = 0, TILE.index("weight_row"), len(TILE)
    order = np.lexsort([placed[:, _N], placed[:, first], placed[:, weight]])
    ends = np.searchsorted(placed[order, weight], np.arange(len(weights) + 1))
    groups = [placed[order[start:end]] for start, end in pairwise(ends.tolist())]
    return [Placement(group[:, first:last].copy(), group[:, last:].copy()) for group in groups]


def _numbered(number: int, weight: WeightTiles) -> Table:
    """The tiles of a weight as rows TILE."""
    head = np.broadcast_to(np.array([number, weight.stage], np.int64), (len(weight.tiles), 2))
    return np.concatenate([head, weight.tiles], axis=1)


def _classes(weights: Sequence[WeightTiles]) -> Table:
    """For each tile the number that tiles with equal cells share; tiles of which nothing is known have their own."""
    known = [np.zeros(0, np.int64), *(w.classes for w in weights if w.classes is not None)]
    unknown = 1 + max(int(classes.max(initial=-1)) for classes in known)
    parts = [np.zeros(0, np.int64)]
    for w in weights:
        parts.append(np.arange(unknown, unknown + len(w.tiles)) if w.classes is None else w.classes)
        unknown += len(w.tiles)
    return np.concatenate(parts)


def _shared(tiles: Table, classes: Table, size: _Size, goal: Goal, sharing: str) -> Table:
    """As `_placed`, where tiles with equal cells share their places as they do with the objective `sharing`."""
    first, owner = representatives(tiles, classes, sharing)
    own = tiles[first]
    own[:, 0] = np.arange(len(own))
    bound = fewest_arrays([own[:, TILE.index("weight_row") :]], size.rows, size.columns)
    return lie_with(tiles, _placed(own, bound, size, goal), first, owner)


def _placed(tiles: Table, bound: int, size: _Size, goal: Goal) -> Table:
    """The tiles, some cut, with three more columns: array, row, column."""
    demand, unit = _demand(tiles)
    good = bound if all(size.rows % h == 0 for h in demand) else int(bound * (1 + SLACK))
    plan = _plan(demand, unit, good, size, cut_rows=False)
    if goal.objective == ARRAYS or (goal.arrays is not None and size.arrays(plan) > goal.arrays):
        plan = _plan(demand, unit, min(good, goal.arrays or good), size, cut_rows=True)
    if goal.objective == ARRAYS:
        return fill(tiles, _lowered(plan, demand, unit, size, size.arrays(plan)), size.columns)
    if goal.objective == THROUGHPUT:
        plan = _flattened(plan, demand, unit, size, goal.arrays)
        arrays = max(size.arrays(plan), min(goal.arrays or 0, len(tiles)))
        return fill_evenly(tiles, plan, size.columns, arrays, max(gcd(*unit.values()), goal.adcs))
    return _fast(tiles, plan, good, size, goal)


def _fast(tiles: Table, plan: Plan, good: int, size: _Size, goal: Goal) -> Table:
    """The tiles, cut between columns, so that a stage keeps many ADCs busy; `plan` is one for whole tiles that fits."""
    columns = np.bincount(tiles[:, _STAGE], tiles[:, _COLUMNS]).astype(np.int64)
    useful = int((-(-columns // goal.adcs)).max(initial=0))
    arrays = max(size.arrays(plan), min(useful, goal.arrays or useful))
    pieces = cut_columns(tiles, _widths(tiles, arrays, goal.adcs))
    demand, unit = _demand(pieces)
    finer = _plan(demand, unit, good, size, cut_rows=False)
    plan = finer if size.arrays(finer) <= arrays else plan
    return fill_evenly(pieces, _lowered(plan, demand, unit, size, arrays), size.columns, arrays, goal.adcs)


def _widths(tiles: Table, arrays: int, adcs: int) -> Table:
    """For each stage how wide pieces of its tiles should be: so that the array with most of them is done first.

    An array converts `adcs` columns at a time, and the rows settle once for each piece.
    """
    widths = np.arange(adcs, max(adcs, int(tiles[:, _COLUMNS].max(initial=0))) + adcs, adcs)
    time = np.zeros((int(tiles[:, _STAGE].max(initial=-1)) + 1, len(widths)))
    for i, width in enumerate(widths.tolist()):
        pieces = np.bincount(tiles[:, _STAGE], -(-tiles[:, _COLUMNS] // width))
        time[:, i] = np.ceil(pieces / arrays) * (width // adcs + _SETTLING)
    return widths[time.argmin(axis=1)]


def cut_columns(tiles: Table, width: Table) -> Table:
    """Tiles (rows TILE) cut into pieces of at most `width[stage]` columns."""
    widest = width[tiles[:, _STAGE]]
    count = -(-tiles[:, _COLUMNS] // widest)
    pieces = np.repeat(tiles, count, axis=0)
    number = np.arange(len(pieces)) - np.repeat(np.cumsum(count) - count, count)
    before = number * np.repeat(widest, count)
    pieces[:, _N] += before
    pieces[:, _COLUMNS] = np.minimum(np.repeat(widest, count), pieces[:, _COLUMNS] - before)
    return pieces


def _demand(tiles: Table) -> tuple[dict[int, int], dict[int, int]]:
    """For each height how many columns there are of it, and the width of which all its tiles are multiples."""
    heights, index = np.unique(tiles[:, _ROWS], return_inverse=True)
    columns = np.bincount(index.reshape(-1), tiles[:, _COLUMNS]).astype(np.int64).tolist()
    demand: dict[int, int] = dict(zip(heights.tolist(), columns))
    return demand, {h: gcd(*np.unique(tiles[tiles[:, _ROWS] == h, _COLUMNS]).tolist()) for h in demand}


def _plan(demand: Mapping[int, int], unit: Mapping[int, int], good: int, size: _Size, cut_rows: bool) -> Plan:
    """The first plan tried with at most `good` arrays, or else that with the fewest.

    Whole tiles are tried first, then tiles cut between columns, then between rows.
    """
    halves = [size.rows >> i for i in range(1, size.rows.bit_length() + 1)] if cut_rows else []
    any_width: dict[int, int] = {}
    best = plan_strips(demand, unit, size.rows, size.rows)
    for most_waste in (size.rows, *halves):
        if size.arrays(best) <= good:
            break
        plan = plan_strips(demand, any_width, size.rows, most_waste)
        if size.arrays(plan) < size.arrays(best):
            best = plan
    return best


def _lowered(plan: Plan, demand: Mapping[int, int], unit: Mapping[int, int], size: _Size, arrays: int) -> Plan:
    """A plan whose stacks are lower, if many columns of the arrays are empty: tiles in one column must wait."""
    room = arrays * size.columns
    low, high = max(demand, default=size.rows), size.rows
    while low < high and room >= plan.columns * (1 + _SPARE):
        middle = (low + high) // 2
        lower = plan_strips(demand, unit, middle, middle)
        if lower.columns <= room:
            plan, high = lower, middle
        else:
            low = middle + 1
    return plan


def _flattened(plan: Plan, demand: Mapping[int, int], unit: Mapping[int, int], size: _Size, arrays: int | None) -> Plan:
    """The plan with the fewest tiles on each other that needs no more arrays than there are."""
    for tiles in range(1, size.rows + 1):
        lower = plan_strips(demand, unit, size.rows, size.rows, most_tiles=tiles)
        if arrays is None or size.arrays(lower) <= arrays:
            return lower
        if size.arrays(lower) <= size.arrays(plan):
            break
    return plan
