"""Shapes of the paper's networks: as many weights as they have, whole in both forms."""

import numpy as np
import pytest

from cimc.paper.shapes import NETWORKS, Network, dense_tiles, monarch_tiles, square_blocks

TINY = Network("tiny", (((((4, 4),) * 3), ((4, 16),)),), {}, context=2)


@pytest.mark.parametrize(("number", "squares"), [(0, 24 * 12), (1, 24 * 12), (2, 24 * 12 + 12 * 4)])
def test_weights(number: int, squares: int) -> None:
    """12 n^2 weights in each of 24 layers, and 4 n^2 more in each of BART's 12 decoder layers."""
    weights = sum(rows * columns for step in NETWORKS[number].steps() for rows, columns in step)
    assert weights == squares * 1024**2


def test_dense_tiles() -> None:
    """Three weights in the first stage, one of four tiles in the second."""
    tiles = dense_tiles(TINY, 4)
    assert [(weight.stage, weight.dense, len(weight.tiles)) for weight in tiles] == [
        (0, True, 1), (0, True, 1), (0, True, 1), (1, True, 4),
    ]  # fmt: skip


def test_monarch_tiles() -> None:
    """Two stages for each, and weights that are not square as large as their longer side."""
    tiles = monarch_tiles(TINY, 4)
    assert [(weight.stage, weight.second, len(weight.tiles)) for weight in tiles] == [
        (0, False, 2), (1, True, 2), (0, False, 2), (1, True, 2), (0, False, 2), (1, True, 2),
        (2, False, 4), (3, True, 4),
    ]  # fmt: skip
    assert not any(weight.dense for weight in tiles)


def test_square_blocks() -> None:
    assert square_blocks(9).tolist() == [[0, 0, 3, 3], [3, 3, 3, 3], [6, 6, 3, 3]]
    assert square_blocks(1024).shape == (32, 4)
    with pytest.raises(AssertionError):
        square_blocks(8)
    assert square_blocks(4).dtype == np.int64
