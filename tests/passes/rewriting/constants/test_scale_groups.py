"""Rows and columns that share scales: where they are cut, and how rows that lie apart come together."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from passes.rewriting.constants.scale_groups import (
    outer_product,
    proportional_columns,
    proportional_groups,
    row_groups,
)

Array = NDArray[Any]
RNG = np.random.default_rng(0)


def rows(*numbers: int) -> Array:
    """Scales [1, rows, 3]: those of rows with the same number are the same."""
    return RNG.uniform(0.1, 1, (9, 3)).astype(np.float32)[list(numbers)][None]


@pytest.mark.parametrize(
    ("numbers", "table"),
    [
        ([0, 0, 0, 1, 1, 1], [[0, 1, 2], [3, 4, 5]]),
        ([0, 0, 1, 1, 2], [[0, 1], [2, 3], [4, -1]]),
        ([0, 1, 0, 1], [[0, 2], [1, 3]]),
        ([0, 0, 0, 0, 1, 1], [[0, 1, 2, 3], [4, 5, -1, -1]]),
        ([0, 1, 2, 3], None),
        ([0, 0, 1, 2], [[0, 1], [2, -1], [3, -1]]),
    ],
)
def test_rows_that_share_scales(numbers: list[int], table: list[list[int]] | None) -> None:
    groups = row_groups([rows(*numbers)])
    if table is None or len(table) * 2 > len(numbers) + 1:
        assert groups is None
        return
    assert groups is not None
    assert groups.table.tolist() == table
    assert groups.is_in_order == (numbers == sorted(numbers))


def test_a_large_group_is_cut_and_not_all_others_filled_up() -> None:
    """A thousand rows of one scale and fifty pairs: pieces of a length between, and few rows that are none."""
    groups = row_groups(
        [RNG.uniform(0.1, 1, (51, 1)).astype(np.float32)[np.r_[[0] * 1000, np.repeat(np.arange(1, 51), 2)]][None]]
    )
    assert groups is not None
    assert groups.table.size < 2000
    assert sorted(groups.table[groups.table >= 0].tolist()) == list(range(1100))


def test_rows_of_all_blocks_and_arrays_at_once() -> None:
    scale = np.concatenate([rows(0, 0, 1, 1), rows(2, 2, 2, 2)])
    zero = np.concatenate([rows(3, 3, 3, 3), rows(4, 4, 4, 4)])
    groups = row_groups([scale, zero])
    assert groups is not None
    assert groups.table.tolist() == [[0, 1], [2, 3]]
    np.testing.assert_array_equal(groups.firsts(scale), scale[:, [0, 2]].reshape(4, 3))
    np.testing.assert_array_equal(groups.cut(scale), scale.reshape(4, 2, 3))


def test_a_piece_that_is_not_full_repeats_its_first_row() -> None:
    scale = rows(0, 0, 1)
    groups = row_groups([scale])
    assert groups is not None
    np.testing.assert_array_equal(groups.cut(scale)[1], scale[0, [2, 2]])


def test_rows_that_are_multiples() -> None:
    factors = RNG.uniform(0.5, 2, (1, 6, 1)).astype(np.float32)
    scale = rows(0, 0, 0, 1, 1, 1)
    assert row_groups([scale * factors]) is None
    groups = proportional_groups(scale * factors, None)
    assert groups is not None
    assert groups[0].table.tolist() == [[0, 1, 2], [3, 4, 5]]
    np.testing.assert_allclose(groups[1][0], factors[0, :, 0] / np.repeat(factors[0, ::3, 0], 3), rtol=1e-6)


def test_rows_that_are_multiples_but_have_other_zero_points() -> None:
    groups = proportional_groups(rows(0, 0, 0, 0), np.array([1, 1, 2, 2]).reshape(1, 4, 1).repeat(3, axis=2))
    assert groups is not None
    assert groups[0].table.tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize(
    "scale", [rows(0, 1, 2, 3), np.zeros((1, 4, 3), np.float32), rows(0), np.full((1, 4, 3), np.inf, np.float32)]
)
def test_rows_that_are_no_multiples(scale: Array) -> None:
    assert proportional_groups(scale, None) is None


@pytest.mark.parametrize(
    ("columns", "zeros", "size"),
    [
        ([0, 0, 0, 1, 1, 1], None, 3),
        ([0, 0, 0, 1, 1, 1, 2, 2], None, 3),
        ([0, 0, 1, 1, 1, 1], None, 2),
        ([0, 0, 0, 0], [1, 1, 2, 2], 2),
        ([0, 0, 0, 0], None, None),
        ([0, 1, 2, 2], None, None),
    ],
)
def test_columns_that_are_multiples(columns: list[int], zeros: list[int] | None, size: int | None) -> None:
    scale = rows(*columns).swapaxes(1, 2) * RNG.uniform(0.5, 2, (1, 1, len(columns))).astype(np.float32)
    zero = None if zeros is None else np.broadcast_to(np.array(zeros), scale.shape)
    assert proportional_columns(scale, zero) == size


def test_products_of_rows_and_columns() -> None:
    scale = rows(0, 0) * np.array([[1], [3]], np.float32)
    factors = outer_product(scale)
    assert factors is not None
    np.testing.assert_allclose(factors[0][:, :, None] * factors[1][:, None], scale, rtol=1e-6)
    assert outer_product(rows(0, 1)) is None
    assert outer_product(np.array([[[0, 1], [1, 2]]], np.float32)) is None
