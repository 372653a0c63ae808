"""Copies of weights in arrays that would have little to do: for many vectors one after the other."""

from collections.abc import Iterator, Sequence

import numpy as np

from passes.analysis.objectives import THROUGHPUT
from passes.analysis.places import Placement
from passes.place_tiles.analysis.copying.groups import fewest_of, groups_of
from passes.place_tiles.analysis.copying.holds import Holds, Room, holds_of
from passes.place_tiles.analysis.copying.plans import Plan, Planner, TimedTiles, load_of
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.spreading.spread import Goal, place_spread
from passes.place_tiles.analysis.spreading.work import PLAIN, efforts

MOST_COPIES = 256
"""Of a weight, which a program can number; and the most vectors after which all copies have their turns again."""
ANY_COPIES = tuple(range(1, MOST_COPIES + 1))
FEW_COPIES = tuple(count for count in range(1, 241) if 240 % count == 0)
"""Numbers of copies of which any may stand beside any other: all have their turns again after 240 vectors."""
ONE_COPY = (1,)
WELL_BALANCED = 1.04
"""A vector may follow another so much later than if all arrays had as much to do, before something else is tried."""
ALIKE = 1.01
"""Intervals so near to each other are not told apart."""
MOST_TRIED = 150_000
"""Tiles that are dealt out in groups to find a better plan: more would take seconds."""
_CHANGED = 6
"""How many of the plans for weights by themselves, the best, are changed weight by weight."""


def place_with_copies(weights: Sequence[WeightTiles], room: Room, counts: Sequence[int]) -> list[Placement]:
    """The places, of those that were tried, with the shortest interval after which a vector can follow another.

    A weight has a number of copies that is one of `counts`. Where each multiplication takes one vector of a run, copies
    of different numbers in an array would be in each other's way, so all weights have as many (`groups_of`). Where it
    takes several, all copies work at the same time, and each weight has as many as help (`Planner`). Nothing more is
    tried once the busiest array has at most `WELL_BALANCED` times the work of all over arrays. Of intervals that are
    `ALIKE`, the one is taken with which a vector is done first. More arrays than there are, if no way needs fewer.
    """
    tried: list[tuple[Holds, list[Placement]]] = []
    for placed in _ways(weights, room, counts):
        tried.append((holds_of(weights, placed, room), placed))
        if tried[-1][0].interval * room.arrays <= WELL_BALANCED * tried[0][0].work:
            break
    shortest = min(holds.interval for holds, _ in tried)
    return min((way for way in tried if way[0].interval <= ALIKE * shortest), key=lambda way: way[0].token)[1]


def _ways(weights: Sequence[WeightTiles], room: Room, counts: Sequence[int]) -> Iterator[list[Placement]]:
    """Each weight once, in whole drives, then others."""
    single = place_spread(weights, room.rows, room.columns, Goal(THROUGHPUT, room.arrays, room.adcs, room.prices))
    yield single
    if arrays_used(single) > room.arrays or fewest_of(weights, room) > room.arrays:
        return
    dealt = 0
    for placed in groups_of(weights, room, counts):
        yield placed
        dealt += sum(len(own.tiles) // own.copies for own in placed)
        if dealt > MOST_TRIED:
            return
    if any(weight.vectors > 1 for weight in weights):
        yield from _by_themselves(weights, room, [count for count in counts if count in FEW_COPIES])


def _by_themselves(weights: Sequence[WeightTiles], room: Room, counts: Sequence[int]) -> Iterator[list[Placement]]:
    """Places in which weights have different numbers of copies."""
    timed = [_timed(weight, room) for weight in weights]
    aim = WELL_BALANCED * sum(float(load_of(own, room.adcs).sum()) for own in timed) / room.arrays
    planner = Planner(timed, room, counts)
    plans: list[Plan] = []
    for plan in planner.plans():
        plans.append(plan)
        yield plan.placements()
    for plan in sorted(plans, key=lambda plan: plan.interval)[:_CHANGED]:
        yield planner.improved(plan, aim).placements()


def _timed(weight: WeightTiles, room: Room) -> TimedTiles:
    """The tiles of a weight and what they take."""
    work_of = np.zeros(len(weight.tiles), np.int64) if weight.work_of is None else 1 + weight.work_of
    effort = efforts(weight.tiles[:, 2], [PLAIN, *weight.works], work_of, room.prices)
    return TimedTiles(weight.tiles, np.column_stack([effort.settle, effort.step]))
