"""Scales of least error: never more of it than the largest magnitude's scale makes, and mostly much less."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from passes.quantize.analysis.choices import Resolution
from passes.quantize.analysis.grids import Grid, largest_grid
from passes.quantize.analysis.least_error import least_error_grid

numbers = st.floats(-(2.0**60), 2.0**60, width=32)
matrices = hnp.arrays(np.float32, hnp.array_shapes(min_dims=3, max_dims=3, max_side=5), elements=numbers)
GAUSSIAN = np.random.default_rng(3).standard_normal((1, 512, 24)).astype(np.float32)


def lost(blocks: NDArray[np.float32], grid: Grid) -> NDArray[np.float64]:
    """Squared errors [blocks, groups, columns]."""
    scales = np.repeat(grid.scales, grid.size, axis=1)[:, : blocks.shape[1]]
    squares = (blocks.astype(np.float64) - grid.rounded(blocks) * scales.astype(np.float64)) ** 2
    groups = [squares[:, first : first + grid.size].sum(axis=1) for first in range(0, blocks.shape[1], grid.size)]
    return np.stack(groups, axis=1)


@settings(max_examples=40, deadline=None)
@given(matrices, st.integers(2, 6), st.one_of(st.none(), st.integers(1, 6)))
def test_no_group_loses_more_than_with_the_scale_of_its_largest(
    blocks: NDArray[np.float32], bits: int, group: int | None
) -> None:
    how = Resolution(bits, group)
    grid, largest = least_error_grid(blocks, how), largest_grid(blocks, how)
    values = grid.rounded(blocks)
    assert ((grid.low <= 0) & (grid.low >= 1 - (1 << bits)) & (grid.levels == (1 << bits) - 1)).all()
    assert values.max() < 1 << bits
    total = (blocks.astype(np.float64) ** 2).sum() + 1e-70
    assert (lost(blocks, grid) <= lost(blocks, largest) * (1 + 1e-5) + 1e-9 * total).all()


@pytest.mark.parametrize(("bits", "best"), [(4, 0.1074), (3, 0.1935), (2, 0.3447)])
def test_normal_numbers_lose_about_as_little_as_they_can(bits: int, best: float) -> None:
    """16, 8 or 4 levels at equal distances lose 0.01154, 0.03744 and 0.1188 of the variance at best (Max, 1960).

    Here one of them is 0, which costs; and the scales fit the sample, which gains."""
    grid = least_error_grid(GAUSSIAN, Resolution(bits))
    error = float(np.sqrt(lost(GAUSSIAN, grid).sum() / (GAUSSIAN.astype(np.float64) ** 2).sum()))
    assert best * 0.95 < error < best * 1.13


def test_a_negative_scale_gives_the_larger_side_one_integer_more() -> None:
    column = np.array([4, 3, 2, 1, 0, -1, -2, -3], np.float32).reshape(1, 8, 1)
    grid = least_error_grid(column, Resolution(3))
    assert grid.scales.item() == -1
    assert grid.rounded(column).reshape(-1).tolist() == [-4, -3, -2, -1, 0, 1, 2, 3]


def test_integers_lie_on_one_side_where_numbers_do() -> None:
    """They lose half as much there, and not enough less elsewhere: then they are such of so many bits with a sign."""
    column = np.arange(16, dtype=np.float32)
    for sign in (1, -1):
        blocks = (sign * column * np.array([[1], [3]], np.float32)).T[None]
        grid = least_error_grid(blocks, Resolution(4))
        assert np.array_equal(sign * grid.rounded(blocks), np.stack([column, column], axis=1)[None])
        assert np.allclose(grid.scales, [1, 3])
    shifted = abs(GAUSSIAN)
    grid = least_error_grid(shifted, Resolution(4))
    around = 0.5 * lost(
        np.concatenate([shifted, -shifted], axis=1),
        least_error_grid(np.concatenate([shifted, -shifted], axis=1), Resolution(4)),
    )
    assert lost(shifted, grid).sum() < 0.4 * around.sum()
    assert (least_error_grid(GAUSSIAN + np.float32(0.3), Resolution(4)).low == -8).all()


def test_important_rows_are_nearer() -> None:
    blocks = np.array([[[1.0], [0.1], [0.1], [0.1]]], np.float32)
    how = Resolution(2)
    plain = least_error_grid(blocks, how)
    weighed = least_error_grid(blocks, how, importance=np.array([[0, 1.0, 1, 1]], np.float32))
    assert plain.rounded(blocks).reshape(-1)[1:].tolist() == [0, 0, 0]
    assert np.allclose(weighed.scales * weighed.rounded(blocks)[0, 1:], 0.1, rtol=1e-5)


def test_tied_columns_have_one_scale_and_equal_numbers_equal_integers() -> None:
    matrix = GAUSSIAN[:, :, :4].copy()
    matrix[0, 100:200, 2] = matrix[0, 300:400, 0]
    grid = least_error_grid(matrix, Resolution(3), np.array([0, 1, 0, 3]))
    assert grid.scales[0, 0, 0] == grid.scales[0, 0, 2]
    assert len(set(grid.scales.reshape(-1).tolist())) == 3
    values = grid.rounded(matrix)[0]
    assert np.array_equal(values[100:200, 2], values[300:400, 0])


def test_parts_do_not_matter() -> None:
    """A weight of many parts has the scales of its parts."""
    wide = np.concatenate([GAUSSIAN] * 12, axis=2)
    grid = least_error_grid(wide, Resolution(4, 100))
    alone = least_error_grid(GAUSSIAN, Resolution(4, 100))
    assert np.array_equal(grid.scales, np.tile(alone.scales, 12))


def test_any_side_has_zero_in_the_lower_half() -> None:
    """Scales of either sign stand for the same numbers; cells of numbers around 0 are then smaller."""
    blocks = np.random.default_rng(4).standard_normal((1, 60, 40)).astype(np.float32)
    blocks[:, :, ::2] += 1
    blocks[:, :, 1::2] -= 1
    sides = [least_error_grid(sign * blocks, Resolution(4, 20), any_side=True) for sign in (1, -1)]
    for sign, grid in zip((1, -1), sides):
        assert grid.low.min() >= -7
        assert grid.low.max() <= 0
        assert {-1, 1} == set(np.sign(grid.scales).ravel().tolist())
        assert np.allclose(lost(sign * blocks, grid).sum(), lost(blocks, sides[0]).sum(), rtol=1e-3)
    gaussian = lost(GAUSSIAN, least_error_grid(GAUSSIAN, Resolution(4, 64), any_side=True))
    assert gaussian.sum() < lost(GAUSSIAN, least_error_grid(GAUSSIAN, Resolution(4, 64))).sum()
