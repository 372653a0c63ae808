"""Pieces of records: every column once, decided by the cells and not by the bound that a program claims."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cimc.machine.fast.pieces import (
    GROUP,
    LARGE_OFFSETS,
    OFFSETS,
    WEIGHTS,
    Pieces,
    decided,
    groups_of,
    with_offsets,
)
from cimc.program.records import Records, multiply_records

ROWS, COLUMNS = 6, 3 * GROUP


def record(column: int, columns: int, adc_bits: int = 3, adc_shift: int = 0) -> Records:
    return multiply_records(
        stage=0, x=0, y=1, array=2, k=7, n=5, row=1, column=column, rows=4, columns=columns, adc_bits=adc_bits,
        adc_shift=adc_shift, bound=0,
    )  # fmt: skip


def divide(records: Records, numbers: list[int], codes: NDArray[np.int64], digit: int = 1) -> Pieces:
    """The pieces of records if cells of one slice hold `codes` [rows, columns] and columns have one offset each."""
    groups = groups_of(records, np.array(numbers))
    spans = [[int(g[name]) for name in ("row", "rows", "column", "columns")] for g in groups]
    largest = [codes[row : row + rows, column : column + columns].sum(0).max() for row, rows, column, columns in spans]
    ones = np.ones(len(groups), np.bool_)
    return decided(groups, np.array(largest, np.int64), ones, np.full(len(groups), digit))


@settings(max_examples=50)
@given(st.integers(0, COLUMNS - 1), st.integers(1, COLUMNS), st.integers(0, 2**32 - 1))
def test_pieces_cover_a_record_once(column: int, columns: int, seed: int) -> None:
    columns = min(columns, COLUMNS - column)
    codes = np.random.default_rng(seed).integers(0, 3, (ROWS, COLUMNS))
    pieces = divide(record(column, columns), [0], codes)
    ends = pieces["column"] + pieces["columns"]
    assert pieces["column"][0] == column
    assert ends[-1] == column + columns
    assert (pieces["column"][1:] == ends[:-1]).all()
    assert (pieces["n"].astype(int) - pieces["column"] == 5 - column).all()
    assert (np.diff(pieces["exact"].astype(int)) != 0).all()
    for piece in pieces:
        first, end = int(piece["column"]), int(piece["column"] + piece["columns"])
        for group in range(first // GROUP, (end - 1) // GROUP + 1):
            part = codes[1:5, max(first, group * GROUP) : min(end, (group + 1) * GROUP)]
            assert bool(piece["exact"]) == bool(part.sum(axis=0).max() < 8)


def test_neighbours_about_which_the_same_was_found_are_one_piece() -> None:
    codes = np.zeros((ROWS, COLUMNS), np.int64)
    codes[1:5, GROUP] = 2
    (exact,) = divide(record(0, COLUMNS, adc_bits=4), [0], codes)
    assert (exact["columns"], exact["exact"]) == (COLUMNS, 1)
    pieces = divide(record(0, COLUMNS, adc_bits=3), [0], codes)
    assert pieces["columns"].tolist() == [GROUP] * 3
    assert pieces["exact"].tolist() == [1, 0, 1]


@pytest.mark.parametrize(("digit", "exact"), [(1, 1), (3, 0)])
def test_inputs_of_more_bits_make_larger_sums(digit: int, exact: int) -> None:
    codes = np.zeros((ROWS, COLUMNS), np.int64)
    codes[1:5, 0] = 1
    (piece,) = divide(record(0, 1), [0], codes, digit)
    assert piece["exact"] == exact


def test_rounded_conversions_are_not_exact() -> None:
    codes = np.zeros((ROWS, COLUMNS), np.int64)
    (piece,) = divide(record(0, 1, adc_shift=1), [0], codes)
    assert piece["exact"] == 0


def test_records_keep_their_numbers() -> None:
    codes = np.zeros((ROWS, COLUMNS), np.int64)
    records = np.concatenate([record(0, 4), record(9, 4), record(GROUP - 1, 2)])
    pieces = divide(records, [0, 2], codes)
    assert pieces["record"].tolist() == [0, 2]
    assert [int(pieces[name][1]) for name in ("array", "k", "n", "row", "rows", "column")] == [2, 7, 5, 1, 4, GROUP - 1]


def test_columns_of_a_piece_have_one_offset_each_if_those_of_all_its_groups_do() -> None:
    groups = groups_of(np.concatenate([record(0, 2 * GROUP), record(0, 1)]), np.array([0, 1]))
    pieces = decided(groups, np.zeros(3, np.int64), np.array([True, False, True]), np.ones(3, np.int64))
    assert pieces["columns"].tolist() == [2 * GROUP, 1]
    assert pieces["columnwise"].tolist() == [0, 1]


@pytest.mark.parametrize("large", [False, True])
def test_offsets_are_pieces_of_their_own_where_columns_have_several(large: bool) -> None:
    """Behind those of the record, and exact; not for exact pieces, nor where there are no offsets."""
    records = np.concatenate([record(0, 1, adc_shift=1)] * 3 + [record(0, 1)])
    groups = groups_of(records, np.arange(4))
    pieces = decided(groups, np.zeros(4, np.int64), np.array([True, False, False, False]), np.ones(4, np.int64))
    every = with_offsets(pieces, np.array([True, True, False, True]), large)
    own = [1, 1] if large else [1]
    assert every["record"].tolist() == [0, 1, *own, 2, 3]
    assert every["part"].tolist() == [WEIGHTS, WEIGHTS, *[OFFSETS, LARGE_OFFSETS][: 1 + large], WEIGHTS, WEIGHTS]
    assert every["exact"].tolist() == [0, 0, *own, 0, 1]
    assert every["columnwise"].tolist() == [1, 0, *([0] * len(own)), 0, 0]


def test_no_records() -> None:
    nothing = groups_of(record(0, 1), np.zeros(0, np.int64))
    assert not len(decided(nothing, np.zeros(0, np.int64), np.zeros(0, np.bool_), np.zeros(0, np.int64)))
