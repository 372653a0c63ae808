"""Unions of ranges, against sets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.cost.intervals import group_numbers, newly_covered

ranges = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 6)), max_size=12)


@given(ranges)
def test_the_sum_over_a_group_is_the_size_of_its_union(entries: list[tuple[int, int, int]]):
    group, first, length = np.array(entries, np.int64).reshape(-1, 3).T
    found = newly_covered(group, first, length)
    for number in range(4):
        union = {i for g, low, count in entries if g == number for i in range(low, low + count)}
        assert found[group == number].sum() == len(union)
    assert (found >= 0).all()
    assert (found <= length).all()


def test_what_earlier_ranges_leave():
    found = newly_covered(np.array([0, 0, 1, 0]), [0, 2, 2, 3], [4, 4, 4, 1])
    assert found.tolist() == [4, 2, 4, 0]


def test_equal_rows_have_equal_numbers():
    assert group_numbers([5, 1, 5], [0, 0, 0]).tolist() == [1, 0, 1]
    assert group_numbers([], []).tolist() == []
