"""Which tiles with equal cells lie in one place."""

import numpy as np
import pytest

from passes.analysis.places import Placement, Table, illegal_place
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.spreading.sharing import lie_with, representatives
from passes.place_tiles.analysis.spreading.spread import Goal, place_spread

TILES = np.array(
    [(0, 0, 0, 0, 0, 0, 2, 2), (0, 0, 0, 0, 2, 2, 2, 2), (1, 1, 1, 1, 0, 4, 2, 2), (1, 1, 1, 1, 0, 0, 2, 2)]
)
"""The first three have equal cells, two of them in one stage."""


@pytest.mark.parametrize(
    ("objective", "first", "owner"),
    [
        ("arrays", [0, 3], [0, 0, 0, 1]),
        ("latency", [0, 1, 3], [0, 1, 0, 2]),
        ("throughput", [0, 1, 2, 3], [0, 1, 2, 3]),
    ],
)
def test_the_objective_says_which_lie_together(objective: str, first: list[int], owner: list[int]) -> None:
    own, with_ = representatives(TILES, np.array([7, 7, 7, 3]), objective)
    assert (own.tolist(), with_.tolist()) == (first, owner)


def test_tiles_are_cut_as_the_one_they_lie_with() -> None:
    pieces = np.array(
        [
            (1, 1, 1, 1, 0, 0, 2, 2, 5, 0, 0),
            (0, 0, 0, 0, 0, 1, 2, 1, 1, 2, 0),
            (0, 0, 0, 0, 0, 0, 2, 1, 0, 0, 3),
        ]
    )
    placed = lie_with(TILES, pieces, np.array([0, 3]), np.array([0, 0, 0, 1]))
    assert placed[:, :4].tolist() == [[0, 0, 0, 0]] * 4 + [[1, 1, 1, 1]] * 3
    assert placed[:, [0, 1, *range(4, 11)]].tolist() == [
        [0, 0, 0, 1, 2, 1, 1, 2, 0],
        [0, 0, 0, 0, 2, 1, 0, 0, 3],
        [0, 0, 2, 3, 2, 1, 1, 2, 0],
        [0, 0, 2, 2, 2, 1, 0, 0, 3],
        [1, 1, 0, 5, 2, 1, 1, 2, 0],
        [1, 1, 0, 4, 2, 1, 0, 0, 3],
        [1, 1, 0, 0, 2, 2, 5, 0, 0],
    ]


def repeated(count: int, numbers: Table | None) -> WeightTiles:
    i = np.arange(count)
    return WeightTiles(np.stack([i * 3, i * 4, 0 * i + 3, 0 * i + 4], axis=1), dense=False, classes=numbers)


def cells(placement: Placement) -> set[tuple[int, ...]]:
    sizes = placement.tiles[:, 2:]
    return set(map(tuple, np.concatenate([placement.places, sizes], axis=1).tolist()))


def test_spread_shares_and_cuts_alike() -> None:
    """Four tiles of 3x4 in 4x4 are cut; twelve of four classes take no more room than four."""
    (alone,) = place_spread([repeated(4, None)], 4, 4)
    (shared,) = place_spread([repeated(12, np.arange(12) % 4)], 4, 4)
    assert arrays_used([shared]) == arrays_used([alone]) == 3
    assert cells(shared) == cells(alone)
    assert illegal_place([shared], 4, 4) is None
    assert int((shared.tiles[:, 2] * shared.tiles[:, 3]).sum()) == 12 * 12


def test_what_has_no_room_to_lie_apart_lies_together() -> None:
    weights = [repeated(4, np.zeros(4, np.int64))]
    assert arrays_used(place_spread(weights, 4, 4, Goal("throughput"))) > 1
    for objective in ("latency", "throughput"):
        (placement,) = place_spread(weights, 4, 4, Goal(objective, arrays=1))
        assert len(cells(placement)) * 4 == len(placement.tiles)
