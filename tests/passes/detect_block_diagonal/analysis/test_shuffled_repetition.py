"""Shuffled matrices with blocks that repeat: put in the order in which they do."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from passes.detect_block_diagonal.analysis.repetition import repeated_shift
from passes.detect_block_diagonal.analysis.shuffled_repetition import repeating_order, shuffled_blocks

Array = npt.NDArray[Any]


def shuffled_toeplitz(down: int, across: int, rows: int, columns: int, kind: str = "f", period: int = 0) -> Array:
    """Blocks that depend on i - j alone (modulo `period`), in an order of rows and columns by chance."""
    generator = np.random.default_rng(down * across)
    size = (down + across, rows, columns)
    blocks = generator.standard_normal(size).astype("f") if kind == "f" else generator.integers(-99, 99, size, np.int8)
    pick = [[blocks[(i - j) % period if period else i - j] for j in range(across)] for i in range(down)]
    matrix = np.block(pick)
    return matrix[generator.permutation(len(matrix))][:, generator.permutation(matrix.shape[1])]


@pytest.mark.parametrize(
    ("matrix", "shift"),
    [
        (shuffled_toeplitz(9, 9, 1, 1), (1, 1)),
        (shuffled_toeplitz(6, 9, 3, 2), (3, 2)),
        (shuffled_toeplitz(9, 5, 2, 3), (2, 3)),
        (shuffled_toeplitz(8, 8, 1, 1, period=8), (1, 1)),
        (shuffled_toeplitz(7, 7, 3, 2, period=7), (3, 2)),
        (shuffled_toeplitz(7, 7, 3, 2, "i", period=7), (3, 2)),
        (shuffled_toeplitz(64, 64, 1, 1, "i", period=64), (1, 1)),
    ],
)
def test_the_order_is_found(matrix: Array, shift: tuple[int, int]) -> None:
    order = repeating_order(matrix)
    assert order is not None
    assert sorted(order.rows.tolist()) == list(range(matrix.shape[0]))
    assert sorted(order.columns.tolist()) == list(range(matrix.shape[1]))
    assert repeated_shift(matrix[np.ix_(order.rows, order.columns)]) == shift


def test_blocks_of_the_matrix_in_order() -> None:
    cut = shuffled_blocks(shuffled_toeplitz(16, 16, 4, 4, period=16), 16, 16)
    assert cut is not None
    assert cut.order is not None
    assert cut.cells <= 64 * 64 / 4


def test_matrices_that_are_given_up() -> None:
    """Also those with few different numbers, or that are equal in many ways, and those where one number is wrong."""
    generator = np.random.default_rng(0)
    broken = shuffled_toeplitz(8, 8, 2, 2)
    broken[3, 5] += 1
    few = generator.integers(0, 2, (40, 40), np.int8)
    for matrix in (generator.standard_normal((40, 40)), few, broken, np.ones((8, 8)), np.zeros((8, 8)), np.eye(8)):
        assert shuffled_blocks(matrix, 4, 4) is None
