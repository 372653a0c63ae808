"""Tiles dealt over arrays by how long they take."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.places import Placement, illegal_place
from passes.place_tiles.analysis.copying.balance import deal

SIDE = 8
ITEMS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(1, SIDE), st.integers(1, SIDE), st.integers(1, 9)),
    min_size=1,
    max_size=12,
)


@given(ITEMS, st.integers(1, 12))
def test_places_are_legal_and_copies_lie_apart(rows: list[tuple[int, ...]], arrays: int) -> None:
    table = np.array(rows, np.int64)
    places = deal(table[:, :4], table[:, 4].astype(np.float64), arrays, SIDE, SIDE)
    if places is None:
        return
    assert places[:, 0].max() < arrays
    tiles = np.concatenate([0 * table[:, :2], table[:, 2:4]], axis=1)
    assert illegal_place([Placement(tiles, places)], SIDE, SIDE, may_share=False) is None
    holders = {(int(place[0]), int(row[0])): int(row[1]) for place, row in zip(places, table)}
    assert all(holders[int(place[0]), int(row[0])] == row[1] for place, row in zip(places, table))


def test_the_array_with_the_least_to_do_is_next() -> None:
    """6 to one array, 5 to the other, 4 to that, then 3."""
    items = np.array([[number, 0, 2, 2] for number in range(4)])
    places = deal(items, np.array([4.0, 6.0, 3.0, 5.0]), 2, SIDE, SIDE)
    assert places is not None
    assert places[:, 0].tolist() == [1, 0, 0, 1]


def test_what_fills_an_array_comes_first() -> None:
    """Though it takes less time: behind others there would be no room."""
    items = np.array([[0, 0, 1, 1], [1, 0, 1, 1], [2, 0, SIDE, SIDE]])
    places = deal(items, np.array([9.0, 9.0, 1.0]), 2, SIDE, SIDE)
    assert places is not None
    assert places[2, 0] != places[0, 0] == places[1, 0]


def test_no_room() -> None:
    items = np.array([[0, copy, 1, 1] for copy in range(3)])
    assert deal(items, np.ones(3), 2, SIDE, SIDE) is None
    whole = np.array([[number, 0, SIDE, SIDE] for number in range(3)])
    assert deal(whole, np.ones(3), 2, SIDE, SIDE) is None
