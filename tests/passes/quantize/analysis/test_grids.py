"""Grids: integers within their bits, by groups of rows."""

import numpy as np
import pytest

from passes.quantize.analysis.choices import Resolution
from passes.quantize.analysis.grids import Grid, ends_of, largest_grid

BLOCKS = np.array([[[7, -1], [1, 3], [0.5, 0]], [[0, 2], [0, -2], [0, 1]]], np.float32)


@pytest.mark.parametrize("bits", range(2, 9))
def test_largest_magnitude_of_a_group_is_the_largest_integer(bits: int) -> None:  # N12
    grid = largest_grid(BLOCKS, Resolution(bits, 2))
    top = (1 << (bits - 1)) - 1
    magnitudes = np.array([[[7, 3], [0.5, 1]], [[1, 2], [1, 1]]], np.float32)
    magnitudes[0, 1, 1] = magnitudes[1, 0, 0] = magnitudes[1, 1, 0] = top  # zeros have scale 1
    assert np.array_equal(grid.scales, (magnitudes / np.float32(top)).astype(np.float32))
    values = grid.rounded(BLOCKS)
    assert abs(values.astype(int)).max() == top
    assert (values[0, 0, 0], values[1, 0, 1], values[1, 1, 1], values[0, 2, 0]) == (top, top, -top, top)


def test_numbers_beyond_a_grid_become_its_ends() -> None:
    grid = Grid(np.array([[[2, -1]]], np.float32), np.full((1, 1, 2), -8, np.int16), 15, 4)
    numbers = np.array([[100, 100], [-100, -100], [5, 5], [3, 2.5]], np.float32)
    assert grid.rounded(numbers[None])[0].tolist() == [[7, -8], [-8, 7], [2, -5], [2, -2]]


def test_more_rows_than_are_quantised_at_a_time() -> None:
    blocks = np.random.default_rng(0).standard_normal((1, 299, 500)).astype(np.float32)
    grid = largest_grid(blocks, Resolution(4, 130))
    expected = np.rint(blocks[0] / np.repeat(grid.scales[0], [130, 130, 39], axis=0))
    assert np.array_equal(grid.rounded(blocks)[0], expected)


def test_groups_larger_than_a_column() -> None:
    assert np.array_equal(ends_of(BLOCKS, Resolution(4, 99)).largest, ends_of(BLOCKS, Resolution(4)).largest)
    empty = largest_grid(np.zeros((1, 0, 2), np.float32), Resolution(4, 2))
    assert (empty.scales.tolist(), empty.size) == ([[[1, 1]]], 1)


def test_numbers_that_float32_has_not() -> None:
    with pytest.raises(OverflowError, match="numbers that float32 has not"):
        largest_grid(np.array([[[1], [np.nan]]], np.float32), Resolution(4))


def test_tied_columns_have_the_ends_of_all_of_them() -> None:
    blocks = np.array([[[1.0, 5, -2], [-3, -4, -1], [9, 3, 4]]], np.float32)
    ends = ends_of(blocks, Resolution(4, 2), np.array([0, 1, 0]))
    assert ends.low.tolist() == [[[-3, -4, -3], [0, 0, 0]]]
    assert ends.high.tolist() == [[[1, 5, 1], [9, 3, 9]]]
    assert ends.largest.tolist() == [[[3, 5, 3], [9, 3, 9]]]
