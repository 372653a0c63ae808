"""Strips of a plan dealt over arrays, and pieces in their rooms."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passes.place_tiles.analysis.spreading.rooms import lie_in, rooms_of, sizes_of
from passes.place_tiles.analysis.spreading.strips import plan_strips


def test_a_column_takes_its_part_of_what_stays_empty() -> None:
    """Three of 3 rows in 8: two stand on each other, and one of 2 with another alone."""
    plan = plan_strips({3: 4}, {}, 8, 8)
    assert sizes_of(plan, 8) == {3: 4}
    assert sizes_of(plan_strips({4: 2, 2: 4}, {}, 8, 8), 8) == {4: 4, 2: 2}


def test_a_strip_is_dealt_evenly() -> None:
    rooms = rooms_of(plan_strips({8: 12}, {}, 8, 8), 4, 6, {8: 1}, {8: 2})
    assert rooms.tolist() == [[array, 8, 0, 0, 3] for array in range(4)]


def test_a_small_strip_is_dealt_by_what_a_piece_needs() -> None:
    rooms = rooms_of(plan_strips({8: 6}, {}, 8, 8), 4, 6, {8: 1}, {8: 3})
    assert rooms.tolist() == [[array, 8, 0, 0, 3] for array in range(2)]


@given(
    st.dictionaries(st.integers(1, 8), st.integers(1, 30), min_size=1, max_size=5),
    st.integers(1, 3),
    st.integers(1, 6),
    st.integers(0, 3),
)
def test_all_columns_have_room_and_nothing_lies_on_another(
    demand: dict[int, int], unit: int, widest: int, more: int
) -> None:
    plan = plan_strips(demand, {}, 8, 8)
    arrays = -(-plan.columns // 6) + more
    cells = np.zeros((arrays, 8, 6), np.int64)
    columns = dict.fromkeys(demand, 0)
    for array, height, row, column, count in rooms_of(
        plan, arrays, 6, dict.fromkeys(demand, unit), dict.fromkeys(demand, widest)
    ).tolist():
        assert row + height <= 8
        assert column + count <= 6
        cells[array, row : row + height, column : column + count] += 1
        columns[height] += count
    assert columns == demand
    assert cells.max() == 1


def test_pieces_lie_in_the_narrowest_room_or_are_cut() -> None:
    assert lie_in([2, 3], [(0, 0, 4), (4, 0, 3)]) == [(1, 0, 3, 4, 0), (0, 0, 2, 0, 0)]
    assert lie_in([6], [(0, 0, 4), (4, 0, 3), (0, 5, 2)]) == [(0, 0, 4, 0, 0), (0, 4, 2, 0, 5)]
