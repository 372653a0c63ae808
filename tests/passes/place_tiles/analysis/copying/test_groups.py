"""Groups of arrays that are alike."""

import numpy as np
import pytest

from passes.analysis.places import Placement, illegal_place
from passes.analysis.tiling import are_cut_from
from passes.analysis.timing import ArrayTimes
from passes.place_tiles.analysis.copying.groups import fewest_of, groups_of
from passes.place_tiles.analysis.copying.holds import Room
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.spreading.work import Prices


def weights_of(*sizes: tuple[int, int]) -> list[WeightTiles]:
    """Weights of one tile each, one after the other."""
    return [WeightTiles(np.array([[0, 0, *size]]), True, stage) for stage, size in enumerate(sizes)]


def room(arrays: int) -> Room:
    return Room(arrays, 4, 4, 1, Prices(ArrayTimes(10, 1, (5,) * 8)))


def groups(own: Placement) -> list[set[int]]:
    """The arrays of each copy."""
    return [set(places[:, 0].tolist()) for places in np.split(own.places, own.copies)]


def test_each_group_holds_all_weights() -> None:
    weights = weights_of((4, 4), (4, 3), (2, 2))
    for placed in groups_of(weights, room(13), range(1, 9)):
        (copies,) = {own.copies for own in placed}
        assert arrays_used(placed) <= 13
        assert illegal_place(placed, 4, 4, may_share=False) is None
        for first, *others in zip(*map(groups, placed)):
            whole = first.union(*others)
            assert max(whole) - min(whole) < 13 // copies
        for weight, own in zip(weights, placed):
            assert all(are_cut_from(part, weight.tiles) for part in np.split(own.tiles, copies))
            assert (
                len({tuple(sorted(array % (arrays_used(placed) // copies) for array in g)) for g in groups(own)}) == 1
            )


@pytest.mark.parametrize(
    ("arrays", "counts", "expected"),
    [(12, range(1, 9), [6, 4, 3, 2, 1, 5]), (12, [1, 2, 4, 8], [4, 2, 1]), (1, range(1, 9), [])],
)
def test_the_most_groups_come_first_that_leave_no_array_unused(
    arrays: int, counts: list[int], expected: list[int]
) -> None:
    weights = weights_of((4, 4), (4, 4))
    assert fewest_of(weights, room(arrays)) == 2
    tried = [placed[0].copies for placed in groups_of(weights, room(arrays), counts)]
    assert list(dict.fromkeys(tried)) == expected
