"""Pieces of records: every column once, decided by the cells and not by the bound that a program claims."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimc.machine.fast.encoding import Fields, cell_fields
from cimc.machine.fast.pieces import GROUP, divide, largest_sums
from cimc.program.records import Records, multiply_records

ROWS, COLUMNS = 6, 3 * GROUP


def record(column: int, columns: int, adc_bits: int = 3, adc_shift: int = 0) -> Records:
    return multiply_records(
        stage=0, x=0, y=1, array=2, k=7, n=5, row=1, column=column, rows=4, columns=columns, adc_bits=adc_bits,
        adc_shift=adc_shift, bound=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def fields() -> Fields:
    return cell_fields("differential", 8)


@settings(max_examples=50)
@given(st.integers(0, COLUMNS - 1), st.integers(1, COLUMNS), st.integers(0, 2**32 - 1))
def test_pieces_cover_a_record_once(column: int, columns: int, seed: int) -> None:
    columns = min(columns, COLUMNS - column)
    codes = np.random.default_rng(seed).integers(0, 3, (ROWS, COLUMNS)).astype(np.uint16)
    fields = cell_fields("differential", 8)
    pieces = divide(record(column, columns), np.array([0]), codes, fields, 1)
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


def test_neighbours_about_which_the_same_was_found_are_one_piece(fields: Fields) -> None:
    codes = np.zeros((ROWS, COLUMNS), np.uint16)
    codes[1:5, GROUP] = 2
    (exact,) = divide(record(0, COLUMNS, adc_bits=4), np.array([0]), codes, fields, 1)
    assert (exact["columns"], exact["exact"]) == (COLUMNS, 1)
    pieces = divide(record(0, COLUMNS, adc_bits=3), np.array([0]), codes, fields, 1)
    assert pieces["columns"].tolist() == [GROUP] * 3
    assert pieces["exact"].tolist() == [1, 0, 1]


@pytest.mark.parametrize(("dac_bits", "exact"), [(1, 1), (2, 0)])
def test_inputs_of_more_bits_make_larger_sums(fields: Fields, dac_bits: int, exact: int) -> None:
    codes = np.zeros((ROWS, COLUMNS), np.uint16)
    codes[1:5, 0] = 1
    (piece,) = divide(record(0, 1), np.array([0]), codes, fields, dac_bits)
    assert piece["exact"] == exact


def test_rounded_conversions_are_not_exact(fields: Fields) -> None:
    codes = np.zeros((ROWS, COLUMNS), np.uint16)
    (piece,) = divide(record(0, 1, adc_shift=1), np.array([0]), codes, fields, 1)
    assert piece["exact"] == 0


def test_records_keep_their_numbers(fields: Fields) -> None:
    codes = np.zeros((ROWS, COLUMNS), np.uint16)
    records = np.concatenate([record(0, 4), record(9, 4), record(GROUP - 1, 2)])
    pieces = divide(records, np.array([0, 2]), codes, fields, 1)
    assert pieces["record"].tolist() == [0, 2]
    assert [int(pieces[name][1]) for name in ("array", "k", "n", "row", "rows", "column")] == [2, 7, 5, 1, 4, GROUP - 1]


def test_the_largest_sum_of_a_slice(fields: Fields) -> None:
    """Slices apart: codes of 300 have 44 in the low slice and 1 in the high one."""
    codes = np.zeros((ROWS, COLUMNS), np.uint16)
    codes[1:4, 3] = 300
    pieces = divide(record(0, 8), np.array([0]), codes, fields, 1)
    assert largest_sums(codes, fields.firsts, fields.widths, pieces).tolist() == [3 * 44]
