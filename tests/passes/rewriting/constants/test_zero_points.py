"""Zero points go into the integers where they widen no column; else they stay beside, one a column or one a row."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from passes.rewriting.constants.zero_points import largest_span, moved

Array = NDArray[Any]


@pytest.mark.parametrize(
    ("values", "span"), [([0, 15], 15), ([3, 9], 7), ([-8, 7], 15), ([-1, 7], 15), ([5, 5], 0), ([0, 255], 255)]
)
def test_the_largest_span_of_so_many_bits(values: list[int], span: int) -> None:
    assert largest_span(np.array(values, np.int16)) == span


def four(*rows: list[int]) -> Array:
    return np.array([rows]).astype(ml_dtypes.uint4)


def test_none_leaves_int8_as_it_is() -> None:
    values = np.ones((1, 2, 2), np.int8)
    result = moved(values, None, 1)
    assert result is not None
    assert result.values is values


def test_one_a_column_is_part_of_the_integers() -> None:
    result = moved(four([0, 15], [15, 0]), np.array([[[15, 0], [15, 0]]], np.int32), 15)
    assert result is not None
    assert (result.values.tolist(), result.column, result.row) == ([[[-15, 15], [0, 0]]], None, None)


@pytest.mark.parametrize("span", [15, None])
def test_one_a_row_is_where_the_span_may_be_larger(span: int | None) -> None:
    result = moved(four([0, 15], [15, 0]), np.array([[[0, 0], [15, 15]]], np.int32), span)
    assert result is not None
    assert result.column is None
    if span is None:
        assert (result.values.tolist(), result.row) == ([[[0, 15], [0, -15]]], None)
    else:
        assert result.values.tolist() == [[[-8, 7], [7, -8]]]
        assert result.row is not None
        assert result.row.tolist() == [[-8, 7]]


def test_another_for_each_number_is_part_of_them_or_nothing() -> None:
    zero = np.array([[[0, 14], [15, 0]]], np.int32)
    assert moved(four([0, 15], [15, 0]), zero, 15) is not None
    zero = zero[:, ::-1]
    assert moved(four([0, 15], [15, 0]), zero, 15) is None
    result = moved(four([0, 15], [15, 0]), zero, None)
    assert result is not None
    assert result.values.tolist() == [[[-15, 15], [15, -14]]]


@pytest.mark.parametrize(("type_", "low", "high", "by"), [("uint8", 0, 255, 128), ("int8", -128, 127, 0)])
def test_what_int8_does_not_hold_stays_beside(type_: str, low: int, high: int, by: int) -> None:
    values = np.array([[[low, low], [high, high]]], type_)
    result = moved(values, np.array([[[low, 5], [low, 5]]], np.int32), 255)
    assert result is not None
    assert result.values.tolist() == [[[-128, -128], [127, 127]]]
    assert result.column is not None
    assert result.column.tolist() == [[low - by, 5 - by]]


def test_fractions_stay() -> None:
    result = moved(four([0, 15], [15, 0]), np.array([[[7.25, 8], [7.25, 8]]], np.float32), 15)
    assert result is not None
    assert result.values.tolist() == [[[-7, 7], [8, -8]]]
    assert result.column is not None
    assert result.column.tolist() == [[0.25, 0]]


@pytest.mark.parametrize("zero", [np.nan, np.inf])
def test_what_is_no_number(zero: float) -> None:
    assert moved(four([0], [15]), np.full((1, 2, 1), zero, np.float32), None) is None
