"""Blocks are the same if type, shape and every bit are."""

import numpy as np

from passes.analysis.blocks import identity


def test_identity() -> None:
    block = np.arange(6, dtype=np.int8).reshape(2, 3)
    assert identity(block) == identity(np.tile(block, 2)[:, 3:])
    assert identity(block) == identity(np.asfortranarray(block))
    for other in (block.T, block.reshape(3, 2), block.view(np.uint8), block + np.int8(1)):
        assert identity(block) != identity(other)
    assert identity(np.array([[0.0]])) != identity(np.array([[-0.0]]))
