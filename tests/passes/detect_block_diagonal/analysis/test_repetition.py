"""Blocks that repeat along diagonals: found wherever they are, and cut so that few are different."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.detect_block_diagonal.analysis.repetition import Cut, cut_of, repeated_blocks, repeated_shift

Array = npt.NDArray[Any]


def toeplitz(
    down: int, across: int, rows: int, columns: int, band: range | None = None, kind: str = "f", period: int = 0
) -> Array:
    """`down` x `across` blocks of rows x columns that depend on i - j alone (modulo `period`), 0 outside of `band`."""
    generator = np.random.default_rng(down * across)
    size = (down + across, rows, columns)
    blocks = generator.standard_normal(size).astype("f") if kind == "f" else generator.integers(-9, 9, size, np.int8)
    matrix = np.zeros((down, rows, across, columns), blocks.dtype)
    for i in range(down):
        for j in range(across):
            if band is None or i - j in band:
                matrix[i, :, j] = blocks[(i - j) % period if period else i - j]
    return matrix.reshape(down * rows, across * columns)


def holds_all(cut: Cut, matrix: Array) -> bool:
    """Whether a matrix is zero outside of the rectangles, of which no two share a cell."""
    covered = np.zeros(matrix.shape, np.int64)
    for row, column, rows, columns in cut.rectangles.tolist():
        covered[row : row + rows, column : column + columns] += 1
    return bool((covered <= 1).all() and not matrix[covered == 0].any())


@pytest.mark.parametrize(
    ("matrix", "shift"),
    [
        (toeplitz(9, 7, 1, 1), (1, 1)),
        (toeplitz(6, 9, 2, 3), (2, 3)),
        (toeplitz(6, 9, 2, 3, kind="i"), (2, 3)),
        (toeplitz(5, 5, 4, 2, period=5), (4, 2)),
        (toeplitz(12, 10, 1, 2, range(3)), (1, 2)),
        (toeplitz(10, 10, 2, 1, range(-1, 2)), (2, 1)),
        (toeplitz(6, 6, 2, 2)[1:, 1:], (2, 2)),
        (toeplitz(12, 12, 1, 1, range(0, 5, 2)), (1, 1)),
    ],
)
def test_the_smallest_shift(matrix: Array, shift: tuple[int, int]) -> None:
    assert repeated_shift(matrix) == shift


def test_no_shift() -> None:
    broken = toeplitz(8, 8, 2, 2)
    broken[-1, -1] += 1
    rows = np.tile(np.arange(1, 9), (8, 1))
    for matrix in (
        broken,
        rows,
        rows.T,
        np.ones((8, 8)),
        np.zeros((4, 4), "f"),
        np.random.default_rng(0).standard_normal((40, 40)),
        np.ones((1, 8)),
    ):
        assert repeated_shift(matrix) is None
        assert repeated_blocks(matrix, 8, 8) is None


@given(
    st.tuples(st.integers(2, 12), st.integers(2, 12), st.integers(1, 4), st.integers(1, 4)),
    st.sampled_from([None, range(2), range(-2, 3), range(0, 6, 3)]),
    st.sampled_from("fi"),
)
def test_cuts_hold_all_nonzeros_once(sizes: tuple[int, int, int, int], band: range | None, kind: str) -> None:
    matrix = toeplitz(*sizes, band, kind)
    cut = repeated_blocks(matrix, 16, 16)
    if cut is not None:
        assert holds_all(cut, matrix)
        assert cut.cells <= 0.75 * matrix.size
        assert cut.cells == cut_of(matrix, cut.rectangles).cells


def test_a_circulant_matrix_has_one_row_of_blocks() -> None:
    cut = repeated_blocks(toeplitz(8, 8, 16, 16, period=8), 16, 16)
    assert cut is not None
    assert (len(cut.rectangles), cut.different, cut.cells) == (64, 8, 8 * 256)


def test_an_unrolled_convolution_is_its_kernel_a_few_times() -> None:
    """Strips of columns, each with the rows of a few positions; those at the padded ends are others."""
    whole = toeplitz(66, 64, 4, 8, range(3))
    cut = repeated_blocks(whole, 64, 64)
    padded = repeated_blocks(whole[4:-4], 64, 64)
    assert cut is not None
    assert padded is not None
    assert (cut.different, padded.different) == (1, 3)
    assert cut.cells < 1024 < whole.size / 64
    assert holds_all(padded, whole[4:-4])


def test_blocks_larger_than_an_array_are_left_whole() -> None:
    cut = repeated_blocks(toeplitz(3, 3, 20, 20, period=3), 8, 8)
    assert cut is not None
    assert (cut.rectangles[:, 2:] == 20).all()
    assert cut.different == 3


def test_equal_columns_hardly_save_time() -> None:
    """Two blocks of which each is needed are no structure."""
    assert repeated_blocks(toeplitz(2, 1, 4, 4), 8, 8) is None
