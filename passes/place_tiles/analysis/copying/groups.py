"""Weights in groups of arrays that are alike, each group for another vector."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from passes.analysis.objectives import LATENCY, THROUGHPUT
from passes.analysis.places import Placement
from passes.place_tiles.analysis.copying.holds import Room
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used, fewest_arrays
from passes.place_tiles.analysis.spreading.spread import Goal, place_spread

_UNUSED = 0.03
"""What share of the arrays may have nothing to do without being noticed."""
_COUNTS = 8
"""How many numbers of copies are tried."""
_DEALINGS = ((THROUGHPUT, False), (LATENCY, True), (LATENCY, False))
"""Ways to deal a group: whole drives; cut so that arrays have as much to do, in all stages at once, and in each."""


def groups_of(weights: Sequence[WeightTiles], room: Room, counts: Sequence[int]) -> Iterator[list[Placement]]:
    """Places in which all weights have as many copies: so many groups of arrays, each with all weights.

    Numbers of copies that leave hardly an array unused come first, of these the largest.
    """
    fewest = fewest_of(weights, room)
    fitting = [count for count in counts if count * fewest <= room.arrays]
    unused = {count: room.arrays % count > _UNUSED * room.arrays for count in fitting}
    for count in sorted(fitting, key=lambda count: (unused[count], -count))[:_COUNTS]:
        for objective, at_once in _DEALINGS[count == 1 :]:  # whole drives of one copy are known
            taken = [replace(w, classes=None, stage=0 if at_once else w.stage) for w in weights]
            goal = Goal(objective, room.arrays // count, room.adcs, room.prices)
            group = place_spread(taken, room.rows, room.columns, goal)
            used = arrays_used(group)
            if used * count <= room.arrays:
                yield [_copied(own, count, used) for own in group]


def _copied(own: Placement, count: int, arrays: int) -> Placement:
    """Copy after copy, each in the next so many arrays, the tiles of each by their first row and column."""
    order = np.lexsort([own.tiles[:, 1], own.tiles[:, 0]])
    places = np.tile(own.places[order], (count, 1))
    places[:, 0] += np.repeat(np.arange(count) * arrays, len(order))
    return Placement(np.tile(own.tiles[order], (count, 1)), places, count)


def fewest_of(weights: Sequence[WeightTiles], room: Room) -> int:
    """No placement of all these, each with cells of its own, has fewer arrays."""
    return max(1, fewest_arrays([weight.tiles for weight in weights], room.rows, room.columns))
