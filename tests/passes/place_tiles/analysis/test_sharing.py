"""Which tiles have equal cells, and which of them lie in one place."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from passes.analysis.places import Placement, Table, illegal_place
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.sharing import TileOf, classes_of, lie_with, representatives, worth_sharing
from passes.place_tiles.analysis.spread import Goal, place_spread

ONE, TWO = np.eye(4, dtype=np.int8), np.arange(16, dtype=np.int8).reshape(4, 4)
SAME_FIRST_ROW = np.concatenate([ONE[:1], TWO[1:]])


def classes(*weights: Sequence[npt.NDArray[np.generic]]) -> list[list[int]]:
    read: list[int] = []

    def weight(number: int) -> TileOf:
        read.append(number)
        return lambda tile: weights[number][tile]

    looked_at = [np.full(len(tiles), True) for tiles in weights]
    found = [table.tolist() for table in classes_of([len(tiles) for tiles in weights], weight, looked_at)]
    assert len(read) == len(weights) or found != [[0], [1]]
    return found


def test_tiles_with_equal_cells_are_a_class() -> None:
    assert classes([ONE, TWO, ONE.copy()], [TWO, SAME_FIRST_ROW]) == [[0, 1, 0], [1, 2]]
    assert classes([ONE[:2, :2], ONE[:2]], [ONE[:2, :2].astype(np.uint8)]) == [[0, 1], [2]]
    assert classes([], [ONE]) == [[], [0]]


def test_cells_of_tiles_that_begin_unlike_all_others_are_not_read_again() -> None:
    assert classes([ONE], [TWO]) == [[0], [1]]


def test_tiles_that_are_not_looked_at_are_alone() -> None:
    looked_at = [np.array([True, False, True]), np.array([False])]
    found = classes_of([3, 1], lambda _: lambda _: ONE, looked_at)
    assert [table.tolist() for table in found] == [[0, 1, 0], [2]]


def test_small_tiles_are_equal_by_chance() -> None:
    tiles = np.array([(0, 0, *size) for size in [(4, 4), (2, 8), (1, 64), (64, 1), (3, 5), (256, 256)]])
    assert worth_sharing(tiles).tolist() == [True, True, False, False, False, True]


TILES = np.array([(0, 0, 0, 0, 2, 2), (0, 0, 2, 2, 2, 2), (1, 1, 0, 4, 2, 2), (1, 1, 0, 0, 2, 2)])
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
    pieces = np.array([(1, 1, 0, 0, 2, 2, 5, 0, 0), (0, 0, 0, 1, 2, 1, 1, 2, 0), (0, 0, 0, 0, 2, 1, 0, 0, 3)])
    placed = lie_with(TILES, pieces, np.array([0, 3]), np.array([0, 0, 0, 1]))
    assert placed.tolist() == [
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
