"""Copies of the busiest weights in arrays that would have little to do: for many vectors one after the other."""

from collections.abc import Sequence

import numpy as np

from passes.analysis.places import Placement, Table
from passes.analysis.tiling import places_in
from passes.place_tiles.analysis.copying.balance import Loads
from passes.place_tiles.analysis.copying.plans import MOST_COPIES, Plan, Planner, Room, load_of
from passes.place_tiles.analysis.placement import WeightTiles, fewest_arrays

WELL_BALANCED = 1.05
"""The busiest array may have so much more to do than arrays have on average, before weights are copied for it."""
_CHANGED = 6
"""How many of the plans, the best, are changed weight by weight."""
_WORTH = 0.97
"""What an interval is shortened to, at least, before weights are copied or placed anew for it."""


def has_spare_arrays(weights: Sequence[WeightTiles], room: Room) -> bool:
    """Whether the arrays are more than the weights fill, whatever the mapping."""
    return fewest_arrays([weight.tiles for weight in weights], room.rows, room.columns) < room.arrays


def with_copies(
    weights: Sequence[WeightTiles], placed: Sequence[Placement], room: Room, most_copies: int = MOST_COPIES
) -> list[Placement]:
    """The placements, or better ones: those with the shortest interval, in which a vector can follow another.

    An array has to do what its tiles do, those of a weight with c copies for every c-th vector. Tiles are dealt over
    all arrays by that; the weights whose tiles take longest are copied, twice as often each time, until the busiest
    array has at most `WELL_BALANCED` times the work of all over arrays, or until there is no room for more. Where that
    is not enough, tiles are cut between columns, into halves, quarters and so on, and the same is tried again; then
    single weights are changed. A plan with more cuts or copies has to be better by some per cent. Weights need `times`.
    """
    if any(weight.times is None for weight in weights) or not has_spare_arrays(weights, room):
        return list(placed)
    loads = [_loads(weight, own.tiles, room.adcs) for weight, own in zip(weights, placed)]
    if any(own is None for own in loads):
        return list(placed)
    aim = WELL_BALANCED * sum(float(load_of(w, w.tiles, room.adcs).sum()) for w in weights) / room.arrays
    planner = Planner(weights, room, most_copies)
    interval, best = interval_of(weights, placed, room.adcs), None
    plans: list[Plan] = []
    for plan in planner.plans():
        if interval <= aim:
            break
        plans.append(plan)
        if plan.interval < _WORTH * interval:
            interval, best = plan.interval, plan
    for plan in sorted(plans, key=lambda plan: plan.interval)[:_CHANGED]:
        if interval <= aim:
            break
        improved = planner.improved(plan, aim)
        if improved.interval < interval:
            interval, best = improved.interval, improved
    return list(placed) if best is None else best.placements()


def interval_of(weights: Sequence[WeightTiles], placed: Sequence[Placement], adcs: int) -> float:
    """How long the busiest array is busy with a vector [ps], on average over many of them.

    Tiles are parts of those of `weights`.
    """
    arrays, loads = [np.zeros(0, np.int64)], [np.zeros(0)]
    for weight, own in zip(weights, placed):
        taken = _loads(weight, own.tiles, adcs)
        assert taken is not None
        arrays.append(own.places[:, 0])
        loads.append(taken / own.copies)
    return float(np.bincount(np.concatenate(arrays), np.concatenate(loads)).max(initial=0))


def _loads(weight: WeightTiles, tiles: Table, adcs: int) -> Loads | None:
    """How long an array works for each of these parts of a weight's tiles [ps]; None if that cannot be told, as they
    do not lie in strips (those of `tile-blocks` do)."""
    inside = places_in(tiles, weight.tiles)
    return None if inside is None else load_of(weight, tiles, adcs, inside[:, 0])
