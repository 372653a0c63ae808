"""Equal blocks that share rows, in any order: unrolled convolutions above all."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from passes.detect_block_diagonal.analysis.gathered_blocks import NONE, GatheredBlocks, gathered_blocks

Array = npt.NDArray[Any]
GENERATOR = np.random.default_rng(0)


def unrolled(
    channels: int,
    outputs: int,
    side: int,
    kernel: int,
    stride: int = 1,
    pad: int = 0,
    dilation: int = 1,
    kind: str = "f",
) -> Array:
    """The matrix of a convolution of square images, channels first on both sides; no number of the kernel is 0."""
    size = (kernel, kernel, channels, outputs)
    weights = GENERATOR.standard_normal(size).astype("f") if kind == "f" else GENERATOR.integers(1, 99, size, np.int8)
    positions = (side + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
    matrix = np.zeros((channels, side, side, outputs, positions, positions), weights.dtype)
    for down, across, i, j in np.ndindex(positions, positions, kernel, kernel):
        y, x = down * stride + i * dilation - pad, across * stride + j * dilation - pad
        if 0 <= min(y, x) and max(y, x) < side:
            matrix[:, y, x, :, down, across] = weights[i, j]
    return matrix.reshape(channels * side**2, -1)


def whole(gathered: GatheredBlocks, shape: tuple[int, ...]) -> Array:
    """The matrix that blocks are of."""
    matrix = np.zeros(shape, gathered.blocks.dtype)
    for block, rows, columns in zip(gathered.blocks, gathered.rows, gathered.columns, strict=True):
        used, useful = rows != NONE, columns != NONE
        matrix[np.ix_(rows[used], columns[useful])] += block[np.ix_(used, useful)]
    return matrix


def shuffled(matrix: Array) -> Array:
    return matrix[GENERATOR.permutation(len(matrix))][:, GENERATOR.permutation(matrix.shape[1])]


@pytest.mark.parametrize("order", [np.copy, shuffled])
@pytest.mark.parametrize(
    ("matrix", "blocks", "size"),
    [
        (unrolled(3, 4, 8, 3), 36, (27, 4)),
        (unrolled(2, 5, 9, 3, stride=2, pad=1), 25, (18, 5)),
        (unrolled(2, 4, 8, 2, dilation=3), 25, (8, 4)),
        (unrolled(1, 6, 10, 3, pad=2), 144, (9, 6)),
    ],
)
def test_an_unrolled_convolution_is_its_kernel(order: Any, matrix: Array, blocks: int, size: tuple[int, int]) -> None:
    """In whatever order; at the edges some rows of the kernel get no input."""
    matrix = order(matrix)
    found = gathered_blocks(matrix, 64, 64)
    assert found is not None
    assert (found.blocks.shape, found.different, found.cells) == ((blocks, *size), 1, size[0] * size[1])
    assert np.array_equal(whole(found, matrix.shape), matrix)


def test_integers_that_are_not_all_different() -> None:
    """Edges are then told by their rows, in the order of the matrix."""
    matrix = unrolled(3, 4, 10, 3, pad=1, kind="i")
    found = gathered_blocks(matrix, 64, 64)
    assert found is not None
    assert (found.blocks.shape, found.different) == ((100, 27, 4), 1)
    assert np.array_equal(whole(found, matrix.shape), matrix)


def test_columns_of_zeros_are_in_no_block() -> None:
    matrix = np.concatenate([unrolled(2, 3, 8, 3), np.zeros((128, 2), "f")], axis=1)
    found = gathered_blocks(matrix, 64, 64)
    assert found is not None
    assert set(found.columns.reshape(-1).tolist()) == set(range(108))


def test_what_has_no_equal_blocks() -> None:
    sparse = np.where(GENERATOR.random((60, 60)) < 0.05, GENERATOR.standard_normal((60, 60)), 0)
    different = np.kron(np.eye(8), np.ones((4, 4))) * GENERATOR.standard_normal((32, 32))
    for matrix in (sparse, different, np.zeros((8, 8)), np.ones((8, 8)), np.zeros((0, 4))):
        assert gathered_blocks(matrix, 16, 16) is None


def test_two_kernels_are_two_different_blocks() -> None:
    two = np.concatenate([unrolled(2, 3, 8, 3), unrolled(2, 3, 8, 3)])
    matrix = np.zeros((256, 216), "f")
    matrix[:128, :108], matrix[128:, 108:] = two[:128], two[128:]
    found = gathered_blocks(shuffled(matrix), 64, 64)
    assert found is not None
    assert found.different == 2
