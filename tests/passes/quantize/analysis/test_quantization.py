"""int8 weights: each column as near as its scale allows, and never beyond +-127."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from passes.quantize.analysis.quantization import affine_range, quantised

numbers = st.floats(-(2.0**100), 2.0**100, width=32)
matrices = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=numbers)


def quantised_columns(matrix: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """8-bit values and the scale of each column."""
    made = quantised(matrix)
    return made.values, made.grid.scales[0, 0]


@given(matrices)
def test_columns_are_near(matrix: NDArray[np.float32]):  # N12
    values, scales = quantised_columns(matrix)
    assert values.dtype == np.int8
    assert scales.dtype == np.float32
    assert abs(values.astype(int)).max() <= 127
    error = abs(values * scales.astype(np.float64) - matrix)
    smallest = np.finfo(np.float32).tiny
    assert (error <= scales * 0.5001 + 127 * smallest).all()


@given(matrices)
def test_columns_do_not_depend_on_each_other(matrix: NDArray[np.float32]):
    values, scales = quantised_columns(matrix)
    for n in range(matrix.shape[1]):
        alone, scale = quantised_columns(matrix[:, n : n + 1])
        assert (alone[:, 0] == values[:, n]).all()
        assert scale[0] == scales[n]


def test_largest_number_of_a_column_is_127_or_minus_127():  # N12
    values, scales = quantised_columns(np.array([[2.0, 1.0, 0.0], [1.0, -4.0, 0.0]], np.float32))
    assert values.tolist() == [[127, 32, 0], [64, -127, 0]]
    assert scales.tolist() == [np.float32(2 / 127), np.float32(4 / 127), 1]


def test_numbers_so_small_that_their_scale_is_rounded():  # N12
    """189 times the least float32 there is, divided by 127, is rounded to the least: 189 of that are 127 at most."""
    least = np.float32(2.0**-149)
    values, scales = quantised_columns(np.array([[189 * least], [-189 * least], [least]], np.float32))
    assert scales.tolist() == [least]
    assert values.reshape(-1).tolist() == [127, -127, 1]


def test_more_rows_than_are_quantised_at_a_time():
    matrix = np.random.default_rng(0).standard_normal((2500, 3)).astype(np.float32)
    values, scales = quantised_columns(matrix)
    assert (values == np.rint(matrix / scales)).all()


def test_other_float_types_become_float32():
    values, scales = quantised_columns(np.array([[1.0], [-2.0]], np.float16))
    assert (values.reshape(-1).tolist(), scales.dtype) == ([64, -127], np.float32)


@given(numbers, numbers)
def test_range_covers_both_ends_and_zero(a: float, b: float):  # N13
    low, high = min(a, b), max(a, b)
    scale, zero = affine_range(low, high)
    assert scale > 0
    slack = float(scale) * 0.501 + 255e-38
    assert (0 - int(zero)) * float(scale) <= min(low, 0) + slack
    assert (255 - int(zero)) * float(scale) >= max(high, 0) - slack


@pytest.mark.parametrize(
    ("low", "high", "scale", "zero"),
    [(0, 0, 1, 0), (0, 255, 1, 0), (-255, 0, 1, 255), (-127.5, 127.5, 1, 128), (10, 510, 2, 0), (-510, -10, 2, 255)],
)
def test_ranges(low: float, high: float, scale: float, zero: int):
    assert affine_range(low, high) == (scale, zero)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e39, -1e39])
def test_numbers_that_float32_has_not(number: float) -> None:
    matrix = np.ones((3, 2))
    matrix[1, 1] = number
    with pytest.raises(OverflowError, match="numbers that float32 has not"):
        quantised_columns(matrix)
