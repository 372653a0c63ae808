"""Additions take the partial sums that are there first; what is left moves out."""

import numpy as np

from cimc.clock.lists import Numbers
from cimc.clock.partial_sums import Work, needs_of_sums
from cimc.program.records import Records, add_records, multiply_records


def work(records: Records, steps: list[int], ends: list[int]) -> Work:
    return Work(records, np.array(steps), np.array(ends))


def multiplies(n: list[int], columns: list[int], array: list[int], y: list[int] | int = 0) -> Records:
    return multiply_records(
        stage=0, x=9, y=y, array=array, k=0, n=n, row=0, column=0, rows=1, columns=columns, adc_bits=1, bound=1
    )


def adds(n: list[int], columns: list[int], y: list[int] | int = 0) -> Records:
    return add_records(stage=0, x=9, y=y, unit=0, n=n, columns=columns, start=0)


def sets(pairs: tuple[Numbers, Numbers]) -> dict[int, set[int]]:
    """The second numbers of pairs, by the first."""
    return {int(owner): set(pairs[1][pairs[0] == owner].tolist()) for owner in np.unique(pairs[0])}


def test_the_first_two_partial_sums_are_added_first() -> None:
    parts = work(multiplies([0, 0, 0], [4] * 3, [0, 1, 2]), [10, 11, 12], [30, 10, 20])
    needs = needs_of_sums(parts, work(adds([0, 0], [4, 4]), [20, 21], [25, 35]))
    assert sets(needs.additions) == {0: {11, 12}, 1: {10, 20}}
    assert sets(needs.values) == {0: {21}}


def test_row_groups_of_a_column_are_one_partial_sum() -> None:
    parts = work(multiplies([0, 0, 0], [4] * 3, [0, 0, 1]), [10, 11, 12], [30, 40, 20])
    needs = needs_of_sums(parts, work(adds([0], [4]), [20], [50]))
    assert sets(needs.additions) == {0: {10, 11, 12}}


def test_row_groups_of_a_column_may_be_of_tiles_of_different_widths() -> None:
    """Elements 0 and 1 have two partial sums, of array 0 and of array 1; 2 and 3 one, of array 0."""
    parts = work(multiplies([0, 0, 0], [4, 2, 2], [0, 0, 1]), [10, 11, 12], [30, 40, 20])
    needs = needs_of_sums(parts, work(adds([0], [2]), [20], [50]))
    assert sets(needs.additions) == {0: {10, 11, 12}}
    assert sets(needs.values) == {0: {10, 20}}


def test_an_addition_of_elements_from_several_columns_needs_all_of_them() -> None:
    parts = work(multiplies([0, 2, 0, 2], [2] * 4, [0, 1, 2, 3]), [10, 11, 12, 13], [5, 6, 7, 8])
    needs = needs_of_sums(parts, work(adds([0], [4]), [20], [9]))
    assert sets(needs.additions) == {0: {10, 11, 12, 13}}
    assert sets(needs.values) == {0: {20}}


def test_what_nothing_is_added_to_moves_out_as_it_is() -> None:
    parts = work(multiplies([0, 2, 0, 0], [2, 2, 2, 3], [0, 1, 2, 3], [0, 0, 0, 1]), [10, 11, 12, 13], [5, 6, 7, 8])
    needs = needs_of_sums(parts, work(adds([0], [2]), [20], [9]))
    assert sets(needs.values) == {0: {11, 20}, 1: {13}}


def test_copies_have_sums_of_their_own() -> None:
    parts = multiplies([0] * 4, [2] * 4, [0, 1, 2, 3])
    sums = adds([0, 0], [2, 2])
    parts["flags"], sums["flags"] = [0, 0, 1, 1], [1, 0]
    needs = needs_of_sums(work(parts, [10, 11, 12, 13], [5, 6, 7, 8]), work(sums, [20, 21], [9, 9]))
    assert sets(needs.additions) == {0: {12, 13}, 1: {10, 11}}
    assert sets(needs.values) == {0: {20, 21}}
