"""Banded matrices: few blocks along the diagonal, which overlap in rows."""

import numpy as np
import pytest

from passes.detect_block_diagonal.analysis.bands import banded_blocks


def banded(rows: int, columns: int, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    matrix = np.random.default_rng(0).standard_normal((rows, columns)).astype(np.float32)
    distance = np.arange(rows)[:, None] - np.arange(columns) * rows // columns
    return np.where(np.abs(distance) <= width, matrix, 0)


@pytest.mark.parametrize(("rows", "columns", "width"), [(200, 200, 3), (300, 60, 10), (60, 300, 4)])
def test_strips_hold_all_nonzeros(rows: int, columns: int, width: int) -> None:
    matrix = banded(rows, columns, width)
    cut = banded_blocks(matrix, 32, 32)
    assert cut is not None
    rest = matrix.copy()
    for row, column, height, wide in cut.rectangles.tolist():
        assert wide <= 32
        rest[row : row + height, column : column + wide] = 0
    assert not rest.any()
    assert cut.cells == int((cut.rectangles[:, 2] * cut.rectangles[:, 3]).sum()) < 2 * np.count_nonzero(matrix)


def test_columns_of_zeros_belong_to_no_block() -> None:
    matrix = banded(40, 40, 2)
    matrix[:, 12:17] = 0
    cut = banded_blocks(matrix, 16, 16)
    assert cut is not None
    of_zeros = [column for _, first, _, count in cut.rectangles.tolist() for column in range(first, first + count)]
    assert set(range(12, 17)).isdisjoint(of_zeros)


def test_what_is_no_band() -> None:
    assert banded_blocks(np.ones((40, 40), np.float32), 16, 16) is None
    assert banded_blocks(np.zeros((40, 40), np.float32), 16, 16) is None
    assert banded_blocks(banded(8, 8, 1), 256, 256) is None, "a block costs more than it saves"
    assert banded_blocks(np.eye(40, 1, -3, dtype=np.float32), 16, 16) is None, "one block is no band"
    scattered = np.where(np.random.default_rng(0).random((40, 40)) < 0.1, np.float32(1), 0)
    assert banded_blocks(scattered, 16, 16) is None
