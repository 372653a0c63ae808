"""The spread mapping: tiles of all weights fill few arrays, those of one stage in different ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import gcd

import numpy as np

from passes.analysis.cost.arrays import SUM_BITS
from passes.analysis.objectives import ARRAYS, LATENCY, THROUGHPUT
from passes.analysis.places import Placement, Table
from passes.place_tiles.analysis.placement import WeightTiles, fewest_arrays
from passes.place_tiles.analysis.spreading.filling import Filled, Filling
from passes.place_tiles.analysis.spreading.numbering import classes_of_tiles, numbered
from passes.place_tiles.analysis.spreading.parts import cut_parts
from passes.place_tiles.analysis.spreading.sharing import lie_with, representatives
from passes.place_tiles.analysis.spreading.strips import Plan, Size, plan_strips
from passes.place_tiles.analysis.spreading.targets import Choice, Choices, best_for, fastest
from passes.place_tiles.analysis.spreading.tiles import (
    COLUMNS,
    ROWS,
    STAGE,
    TILE,
    WEIGHT,
    WORK,
    K,
    N,
    cut_rows,
    drives_of,
)
from passes.place_tiles.analysis.spreading.work import PLAIN, Prices, Work, efforts, plain_prices

SLACK = 0.02
"""Arrays above the bound, as a share of it, that are put up with rather than cutting tiles between rows."""
ENERGY = 0.05
"""What may be spent on time with the default objective, as a share of the energy of whole tiles."""

_SPARE = 1 / 8
"""Empty columns, as a share of those in use, from which on it is tried to stack tiles less high."""
_ROUNDS, _DRIVES = 3, 60_000
"""How often it is tried to keep to that, and how many drives are placed in that, in all."""


@dataclass(frozen=True)
class Goal:
    """What `spread` aims at, on a chip of so many `arrays` (None: as many as are needed) with `adcs` ADCs a crossbar.

    * `arrays`: as few as can be; tiles are cut between rows where that saves arrays. With that many, one vector as fast
      as can be for 5 % more energy than tiles that are driven once each take.
    * `latency`: one vector as fast as can be. Tiles are cut between columns until a stage keeps the ADCs of all arrays
      busy, never between rows (unless the chip is too small), and as many arrays are used as make it faster.
    * `throughput`: many vectors, which are in different stages at one time: columns of few tiles, in all arrays.
    """

    objective: str = ARRAYS
    arrays: int | None = None
    adcs: int = 1
    prices: Prices | None = None
    """What arrays take for what they do; None: nothing is known, but for the ADCs."""


def place_spread(
    weights: Sequence[WeightTiles], array_rows: int, array_columns: int, goal: Goal = Goal()
) -> list[Placement]:
    """Places for the tiles of all weights, some of them cut; with the default goal in (nearly) as few arrays as
    `ceil(cells / (rows * columns))`.

    Weights of different stages share arrays without waiting for each other. Tiles of one stage are dealt over the
    arrays, so that all are done with them at about the same time; those that read the same rows of the same vector
    lie beside each other, and are driven once. Cutting between columns drives rows once more, and is done where it
    pays; cutting between rows costs a digital addition and is done only if the arrays would otherwise be more than
    `SLACK` above the bound, or above it at all where all heights divide an array's, or more than the chip has.
    Tiles that have `parts` are cut into these first. Tiles with equal cells share a place where the objective allows it
    (`representatives`), and all of them where they would otherwise need more arrays than the chip has.
    """
    spread = _Spread(weights, *numbered(weights), Size(array_rows, array_columns), goal)
    placed = spread.shared(goal.objective)
    if goal.objective != ARRAYS and goal.arrays is not None and placed[:, len(TILE)].max(initial=-1) >= goal.arrays:
        placed = spread.shared(ARRAYS)
    order = np.lexsort([placed[:, N], placed[:, K], placed[:, WEIGHT]])
    ends = np.searchsorted(placed[order, WEIGHT], np.arange(len(weights) + 1))
    groups = [placed[order[start:end]] for start, end in pairwise(ends.tolist())]
    return [Placement(group[:, K : len(TILE)].copy(), group[:, len(TILE) :].copy()) for group in groups]


@dataclass(frozen=True)
class _Spread:
    """Places the tiles of weights in arrays of a size."""

    weights: Sequence[WeightTiles]
    tiles: Table
    parts: Table
    size: Size
    goal: Goal

    @cached_property
    def works(self) -> list[Work]:
        """What is asked of tiles, by the numbers that tables of tiles have for it; nothing is known without prices."""
        works = [PLAIN, *(work for weight in self.weights for work in weight.works)]
        return works if self.goal.prices is not None else [PLAIN] * len(works)

    def energy(self, tiles: Table) -> float:
        """What tiles cost that are driven once each [pJ]."""
        effort = efforts(tiles[:, ROWS], self.works, tiles[:, WORK], self.prices)
        return float((effort.drive + effort.column * tiles[:, COLUMNS]).sum())

    def sums(self, tiles: Table, whole: Table) -> float:
        """What it costs that tiles are cut between rows: one more partial sum of each column [pJ]."""
        costs = self.prices.costs
        if costs is None:
            return 0.0
        each = SUM_BITS * (costs.transfer_bit_pj or 0) + (costs.add_pj or 0)
        return each * float(tiles[:, COLUMNS].sum() - whole[:, COLUMNS].sum())

    @property
    def prices(self) -> Prices:
        return self.goal.prices or plain_prices(self.goal.adcs)

    def shared(self, sharing: str) -> Table:
        """The tiles, some cut, with three more columns: array, row, column.

        Tiles with equal cells share their places as they do with the objective `sharing`.
        """
        first, owner = representatives(self.tiles, classes_of_tiles(self.weights), sharing)
        own = self.tiles[first]
        own[:, WEIGHT] = np.arange(len(own))
        number = np.full(len(self.tiles), -1, np.int64)
        number[first] = own[:, WEIGHT]
        parts = self.parts[number[self.parts[:, 0]] >= 0]
        parts[:, 0] = number[parts[:, 0]]
        whole = own if len(parts) else None
        return lie_with(self.tiles, self.placed(cut_parts(own, parts), whole), first, owner)

    def placed(self, tiles: Table, whole: Table | None = None) -> Table:
        """These tiles, some cut, with three more columns: array, row, column; they are parts of `whole` ones."""
        bound = fewest_arrays([tiles[:, K:]], self.size.rows, self.size.columns)
        size, goal = self.size, self.goal
        demand, unit = _demand(tiles)
        good = bound if all(size.rows % h == 0 for h in demand) else int(bound * (1 + SLACK))
        plan = _plan(demand, unit, good, size, cut_rows=False)
        if goal.objective == ARRAYS or (goal.arrays is not None and size.arrays(plan) > goal.arrays):
            plan = _plan(demand, unit, min(good, goal.arrays or good), size, cut_rows=True)
        arrays = size.arrays(plan)
        if goal.objective == THROUGHPUT:
            plan = _flattened(plan, demand, unit, size, goal.arrays)
            arrays = max(size.arrays(plan), min(goal.arrays or 0, len(tiles)))
        elif goal.objective == LATENCY:
            useful = _useful_arrays(tiles, goal.adcs)
            arrays = max(arrays, min(useful, goal.arrays or useful))
        if goal.objective != THROUGHPUT:
            plan = _lowered(plan, demand, unit, size, arrays)
        return self.dealt(cut_rows(tiles, plan), whole, plan, arrays)

    def dealt(self, tiles: Table, whole: Table | None, plan: Plan, arrays: int) -> Table:
        """The tiles, whose heights are those of the plan, in so many arrays."""
        if not len(tiles):
            return np.zeros((0, len(TILE) + 3), np.int64)
        effort = efforts(tiles[:, ROWS], self.works, tiles[:, WORK], self.prices)
        goal, in_time = self.goal, self.goal.objective == LATENCY
        drives = drives_of(tiles, effort, by_step=in_time)
        filling = Filling(drives, plan, arrays, self.size, goal.adcs)
        stages = {stage: drives.drives[low:high] for stage, (low, high) in drives.of_stage.items()}
        choices = Choices(arrays, self.size.columns, goal.adcs, all_ways=in_time).of(stages)
        uncut = {stage: own[0] for stage, own in choices.items()}
        if goal.objective == ARRAYS:
            tiles_alone = self.energy(tiles)
            alone = tiles_alone if whole is None else self.energy(whole)
            saved = float(effort.drive.sum()) - sum(drive.energy for drive in drives.drives)
            more = 0.0 if whole is None else tiles_alone - alone + self.sums(tiles, whole)
            return filling.tiles(_within(filling, choices, ENERGY * alone + saved - more).places)
        ways = filling.places(uncut)
        if in_time:
            ways += filling.places(fastest(choices))
        best = min(ways, key=lambda way: (way.time, way.energy) if in_time else (way.energy, way.time))
        return filling.tiles(best.places)


def _within(filling: Filling, choices: Mapping[int, list[Choice]], energy: float) -> Filled:
    """The fastest places found for which rows are driven more than once for `energy` [pJ] at most.

    Pieces that have to be cut to fit into arrays cost more than was planned, so less is planned again. If even whole
    drives cost more, the cheapest places.
    """
    count = len(filling.stage_of)
    planned, tried = energy, list[Filled]()
    for _ in range(max(1, min(_ROUNDS, _DRIVES // count))):
        ways = filling.places(best_for(choices, planned))
        tried += ways
        too_much = min(filled.energy for filled in ways) - energy
        if too_much <= 0:
            break
        planned -= too_much
    if count <= _DRIVES or all(filled.energy > energy for filled in tried):
        tried += filling.places(best_for(choices, 0.0))
    able = [filled for filled in tried if filled.energy <= energy]
    if not able:
        return min(tried, key=lambda filled: filled.energy)
    return min(able, key=lambda filled: (filled.time, filled.energy))


def _useful_arrays(tiles: Table, adcs: int) -> int:
    """The most arrays that a stage can keep busy, each with as many columns as it has ADCs."""
    columns = np.bincount(tiles[:, STAGE], tiles[:, COLUMNS]).astype(np.int64)
    return int((-(-columns // adcs)).max(initial=0))


def _demand(tiles: Table) -> tuple[dict[int, int], dict[int, int]]:
    """For each height how many columns there are of it, and the width of which all its tiles are multiples."""
    heights, index = np.unique(tiles[:, ROWS], return_inverse=True)
    columns = np.bincount(index.reshape(-1), tiles[:, COLUMNS]).astype(np.int64).tolist()
    demand: dict[int, int] = dict(zip(heights.tolist(), columns))
    return demand, {h: gcd(*np.unique(tiles[tiles[:, ROWS] == h, COLUMNS]).tolist()) for h in demand}


def _plan(demand: Mapping[int, int], unit: Mapping[int, int], good: int, size: Size, cut_rows: bool) -> Plan:
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


def _lowered(plan: Plan, demand: Mapping[int, int], unit: Mapping[int, int], size: Size, arrays: int) -> Plan:
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


def _flattened(plan: Plan, demand: Mapping[int, int], unit: Mapping[int, int], size: Size, arrays: int | None) -> Plan:
    """The plan with the fewest tiles on each other that needs no more arrays than there are."""
    for tiles in range(1, size.rows + 1):
        lower = plan_strips(demand, unit, size.rows, size.rows, most_tiles=tiles)
        if arrays is None or size.arrays(lower) <= arrays:
            return lower
        if size.arrays(lower) <= size.arrays(plan):
            break
    return plan
