"""Columns in the same place of equal blocks have one scale."""

import numpy as np

from passes.quantize.analysis.quantization import quantised
from passes.quantize.analysis.tied_columns import tied_columns

TOEPLITZ = np.array([[1, 9, 5], [2, 1, 9], [3, 2, 1], [4, 3, 2]], np.float32)


def test_groups_run_through_all_equal_blocks() -> None:
    ones = np.array([[row, column, 1, 1] for row in range(4) for column in range(3)])
    assert tied_columns(TOEPLITZ, ones).tolist() == [0, 0, 0]
    apart = np.array([[0, 0, 4, 1], [0, 1, 4, 1], [0, 2, 4, 1]])
    assert tied_columns(TOEPLITZ, apart).tolist() == [0, 1, 2]
    pairs = np.tile(TOEPLITZ, 2)
    assert tied_columns(pairs, np.array([[0, 0, 4, 3], [0, 3, 4, 3]])).tolist() == [0, 1, 2, 0, 1, 2]


def test_equal_blocks_become_equal_integers() -> None:
    """Though their columns hold other numbers besides."""
    blocks = np.array([[0, 0, 2, 2], [1, 1, 2, 2]])[:, [0, 1, 2, 3]]
    matrix = TOEPLITZ[:, :]
    groups = tied_columns(matrix, blocks)
    made = quantised(matrix, tied=groups)
    values, scale = made.values, made.grid.scales[0, 0]
    assert groups.tolist() == [0, 0, 0]
    assert np.array_equal(values[:2, :2], values[1:3, 1:3])
    assert (scale == scale[0]).all()
    assert scale[0] == np.float32(9) / np.float32(127)
    alone = quantised(matrix).values
    assert not np.array_equal(alone[:2, :2], alone[1:3, 1:3])
