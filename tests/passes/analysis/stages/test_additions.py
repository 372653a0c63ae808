"""Additions: as few as can be, each when its operands and a unit are there."""

import math
from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.stages.additions import schedule_additions

Table = npt.NDArray[np.int64]
ADD = 20


def additions(*parts: tuple[int, ...], units: int = 1, width: int = 4) -> tuple[list[list[int]], int]:
    """The additions of one product with `parts` (n, columns, array, column, end)."""
    (found,), last = schedule_additions([np.array(parts, np.int64).reshape(-1, 5)], units, ADD, width)
    return found.tolist(), last


def test_one_sum_of_each_element_needs_no_addition():
    assert additions((0, 4, 0, 0, 50), (4, 4, 1, 0, 70)) == ([], 0)


def test_row_groups_of_the_same_columns_accumulate_there():
    assert additions((0, 4, 0, 2, 50), (0, 4, 0, 2, 90)) == ([], 0)


def test_tiles_under_each_other_accumulate_too():
    """Wherever they begin: element n + i is in column + i."""
    assert additions((0, 4, 0, 0, 50), (2, 2, 0, 2, 90)) == ([], 0)


def test_two_sums_are_added_when_both_are_there():
    assert additions((0, 4, 0, 0, 50), (0, 4, 1, 0, 70)) == ([[0, 4, 0, 70]], 90)
    assert additions((0, 4, 0, 0, 50), (0, 4, 0, 4, 70)) == ([[0, 4, 0, 70]], 90)


def test_sums_that_are_there_first_are_added_first():
    found = additions((0, 4, 0, 0, 100), (0, 4, 1, 0, 10), (0, 4, 2, 0, 30))
    assert found == ([[0, 4, 0, 30], [0, 4, 0, 100]], 120)


def test_units_work_at_the_same_time():
    parts = [(0, 4, array, 0, 10) for array in range(4)]
    assert additions(*parts, units=1) == ([[0, 4, 0, 10], [0, 4, 0, 30], [0, 4, 0, 50]], 70)
    assert additions(*parts, units=2) == ([[0, 4, 0, 10], [0, 4, 1, 10], [0, 4, 0, 30]], 50)


def test_only_the_elements_that_have_two_sums():
    assert additions((0, 4, 0, 0, 10), (2, 4, 1, 0, 10)) == ([[2, 2, 0, 10]], 30)


def test_a_unit_adds_a_vector_at_once():
    """Long ranges are cut; ranges behind each other, of equally many sums, are joined up to that length."""
    assert additions((0, 10, 0, 0, 10), (0, 10, 1, 0, 10)) == ([[0, 4, 0, 10], [4, 4, 0, 30], [8, 2, 0, 50]], 70)
    left, right = [(0, 2, array, 0, 10) for array in range(2)], [(2, 2, array, 4, 30) for array in range(2)]
    assert additions(*left, *right) == ([[0, 4, 0, 30]], 50)
    assert additions(*left, *right, width=3) == ([[0, 2, 0, 10], [2, 2, 0, 30]], 50)
    assert additions(*left, *right, (2, 2, 7, 0, 10)) == ([[0, 2, 0, 10], [2, 2, 0, 30], [2, 2, 0, 50]], 70)


def test_products_share_the_units():
    parts = np.array([(0, 1, 0, 0, 10), (0, 1, 1, 0, 10)], np.int64)
    (first, second), last = schedule_additions([parts, parts], 1, ADD, 4)
    assert (first.tolist(), second.tolist(), last) == ([[0, 1, 0, 10]], [[0, 1, 0, 30]], 50)


def test_nothing_to_add():
    assert schedule_additions([], 1, ADD, 4) == ([], 0)


@pytest.mark.parametrize("count", range(2, 18))
def test_sums_that_are_there_together_take_the_fewest_rounds(count: int):
    """With enough units, a tree: the logarithm of their number, rounded up."""
    parts = [(0, 1, array, 0, 0) for array in range(count)]
    assert additions(*parts, units=count)[1] == ADD * math.ceil(math.log2(count))
    assert additions(*parts, units=1)[1] == ADD * (count - 1)


parts_of_products = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, 6), st.integers(1, 5), st.integers(0, 3), st.integers(0, 1).map(lambda c: 8 * c),
            st.integers(0, 90),
        ),
        max_size=7,
    ),
    max_size=3,
)  # fmt: skip


@given(parts_of_products, st.integers(1, 3), st.integers(1, 6))
def test_additions_are_as_many_as_needed_and_in_time(products: list[list[tuple[int, ...]]], units: int, width: int):
    """Followed in time: a unit does one addition at a time, each finds two sums, and one is left in the end."""
    tables = [np.array(parts, np.int64).reshape(-1, 5) for parts in products]
    found, last = schedule_additions(tables, units, ADD, width)
    busy = [(unit, start) for adds in found for _, _, unit, start in adds.tolist()]
    for unit, start in busy:
        assert 0 <= unit < units
        assert not any(other == unit and start < begin < start + ADD for other, begin in busy)
    assert len(set(busy)) == len(busy)
    assert last == max((start + ADD for _, start in busy), default=0)
    for parts, adds in zip(products, found):
        assert all(columns <= width for _, columns, _, _ in adds.tolist())
        for element in range(12):
            follow_element(element, parts, adds)


def follow_element(element: int, parts: list[tuple[int, ...]], adds: Table) -> None:
    ready: Counter[tuple[int, int]] = Counter()
    for n, columns, array, column, end in parts:
        if n <= element < n + columns:
            ready[array, column + element - n] = max(ready[array, column + element - n], end)
    events = [(time, 1) for time in ready.values()]
    for n, columns, _, start in adds.tolist():
        if n <= element < n + columns:
            events += [(start, -2), (start + ADD, 1)]
    sums = 0
    for _, change in sorted(events, key=lambda event: (event[0], -event[1])):
        sums += change
        assert sums >= 0
    assert sums == min(1, len(ready))


@given(parts_of_products, st.integers(1, 6))
def test_units_that_are_not_needed_cost_nothing(products: list[list[tuple[int, ...]]], width: int):
    tables = [np.array(parts, np.int64).reshape(-1, 5) for parts in products]
    few, _ = schedule_additions(tables, 1000, ADD, width)
    many, _ = schedule_additions(tables, 10**12, ADD, width)
    assert all(np.array_equal(one, other) for one, other in zip(few, many, strict=True))
