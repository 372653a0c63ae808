"""Tiles in batches: all of them, once, equal shapes together."""

import numpy as np
import pytest

from passes.analysis.batches import batches


def test_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passes.analysis.batches._BATCH", 8)
    monkeypatch.setattr("passes.analysis.batches.LARGE", 9)
    shapes = [(2, 2), (3, 3), (2, 2), (1, 4), (2, 2)]
    tiles = [np.full(shape, i, np.int8) for i, shape in enumerate(shapes)]
    together = [(numbers, stack.shape, stack[:, 0, 0].tolist()) for numbers, stack in batches(tiles)]
    assert together == [
        ([1], (1, 3, 3), [1]),
        ([0, 2], (2, 2, 2), [0, 2]),
        ([4], (1, 2, 2), [4]),
        ([3], (1, 1, 4), [3]),
    ]
