"""Plans of copies and cuts."""

import numpy as np
import pytest

from passes.analysis.timing import ArrayTimes
from passes.place_tiles.analysis.copying.holds import Room
from passes.place_tiles.analysis.copying.plans import Planner, TimedTiles, cut_columns, load_of
from passes.place_tiles.analysis.spreading.work import Prices

COUNTS = (1, 2, 3, 4)


def weight(rows: int, columns: int, settling: int = 10, converting: int = 10) -> TimedTiles:
    """One tile, with its times."""
    return TimedTiles(np.array([[0, 0, rows, columns]]), np.array([[settling, converting]]))


def room(arrays: int, side: int) -> Room:
    return Room(arrays, side, side, 1, Prices(ArrayTimes(10, 1, (10,))))


def test_a_tile_settles_and_converts() -> None:
    """10 + ceil(7 / 2) * 10."""
    assert load_of(weight(4, 7), 2).tolist() == [50]


def test_parts_keep_the_adcs_at_work() -> None:
    """7 columns in two parts are 4 and 3, in four or more 2, 2, 2 and 1: an array has 2 ADCs."""
    assert [cut_columns(weight(4, 7), parts, 2).tiles[:, 1:].tolist() for parts in (1, 2, 4, 8)] == [
        [[0, 4, 7]],
        [[0, 4, 4], [4, 4, 3]],
        [[0, 4, 2], [2, 4, 2], [4, 4, 2], [6, 4, 1]],
        [[0, 4, 2], [2, 4, 2], [4, 4, 2], [6, 4, 1]],
    ]


def test_copies_share_the_work() -> None:
    """Copy after copy, tile after tile, each copy in arrays of its own."""
    plan = Planner([weight(4, 4), weight(2, 2)], room(4, 4), COUNTS).plan([2, 1], [2, 1])
    assert plan is not None
    assert plan.loads.tolist() == [15, 15, 15, 15, 30]
    assert plan.interval == 30
    first, second = plan.placements()
    assert (first.copies, second.copies) == (2, 1)
    assert first.tiles.tolist() == 2 * [[0, 0, 4, 2], [0, 2, 4, 2]]
    assert not set(first.places[:2, 0]) & set(first.places[2:, 0])


def test_no_room_for_a_plan() -> None:
    planner = Planner([weight(4, 4)], room(3, 4), COUNTS)
    assert planner.plan([4], [1]) is None
    assert [plan.copies for plan in planner.plans() if plan.parts == (1,)] == [(1,), (2,)]


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_copies_than_allowed(most: int) -> None:
    planner = Planner([weight(2, 2), weight(2, 4)], room(9, 4), sorted({1, most}))
    plans = list(planner.plans())
    assert {copies for plan in plans for copies in planner.improved(plan, 0).copies} <= {1, most}


def test_plans_get_better() -> None:
    """One weight of a load of 50, another of 30, on three arrays: by changes 30 at most, of 80 / 3 that could be."""
    planner = Planner([weight(4, 4), weight(4, 2)], room(3, 8), COUNTS)
    plan = planner.plan([1, 1], [1, 1])
    assert plan is not None
    assert plan.interval == 50
    assert planner.improved(plan, 0).interval <= 30
