"""Products of pairs, against numpy: all vectors of a four, and no others."""

from typing import Any

import numpy as np
import pytest

from cimc.machine.fast.lanes import LANES
from cimc.machine.fast.pair_products import add_pair_products, widen_inputs

KINDS = ("random", "largest", "smallest")


def bytes_of(kind: str, shape: tuple[int, int]) -> tuple[Any, Any]:
    """Unsigned and signed bytes; all as large as can be, or all as negative, if `kind` says so."""
    generator = np.random.default_rng(2)
    left = generator.integers(0, 256, shape, dtype=np.uint8)
    right = generator.integers(-128, 128, shape, dtype=np.int8)
    if kind != "random":
        left[:], right[:] = 255, 127 if kind == "largest" else -128
    return left, right


def test_inputs_as_pairs() -> None:
    """Rows 0 and 2 of each four, then rows 1 and 3."""
    x = np.arange(20, dtype=np.uint8)
    wide = np.zeros(8, np.uint32)
    widen_inputs(x, 1, 10, 2, 2, wide)
    assert wide.view(np.uint16).reshape(2, 2, 4).tolist() == [
        [[1, 3, 2, 4], [5, 7, 6, 8]],
        [[11, 13, 12, 14], [15, 17, 16, 18]],
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vectors", [3, 4, 9])
def test_pairs_for_several_vectors(kind: str, vectors: int) -> None:
    """For fours of vectors; the words of a block are as far apart as is said."""
    fours, step = 5, 3 * LANES
    x, _ = bytes_of(kind, (vectors, 4 * fours + 2))
    _, w = bytes_of(kind, (fours * LANES, 4))
    weights = np.zeros(fours * step, np.uint32).reshape(fours, step)
    weights[:, :LANES] = w.reshape(-1).view(np.uint32).reshape(fours, LANES)
    y, room = np.full((vectors, LANES), 7, np.uint32), np.zeros(2 * fours * LANES, np.uint32)
    inputs = np.zeros(2 * vectors * fours, np.uint32)
    widen_inputs(x.reshape(-1), 2, x.shape[1], vectors, fours, inputs)
    add_pair_products(weights.reshape(-1), 0, step, fours, inputs, vectors, y.reshape(-1), 0, LANES, room)
    matrix = w.reshape(fours, LANES, 4).transpose(0, 2, 1).reshape(-1, LANES)
    expected = 7 + x[:, 2:].astype(np.int64) @ matrix
    expected[vectors // 4 * 4 :] = 7
    np.testing.assert_array_equal(y, expected.astype(np.uint32))
