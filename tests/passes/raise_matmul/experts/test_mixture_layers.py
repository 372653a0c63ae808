"""`QMoE` keeps its integers, however many bits they have, with zero points and scales of blocks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[Any]
Raised = Callable[..., Any]
GENERATOR = np.random.default_rng(0)
HIDDEN, INNER, EXPERTS = 16, 32, 3
X = GENERATOR.standard_normal((5, HIDDEN)).astype(np.float32)
node = helper.make_node


def packed(numbers: Array, bits: int) -> Array:
    """Numbers of so many bits in bytes, the first in the lowest bits, rows filled up to whole bytes."""
    per_byte = 8 // bits
    filled = np.pad(numbers, [(0, 0)] * (numbers.ndim - 1) + [(0, -numbers.shape[-1] % per_byte)])
    parts = filled.reshape(*filled.shape[:-1], -1, per_byte).astype(np.uint8)
    return np.bitwise_or.reduce(parts << np.arange(0, 8, bits, dtype=np.uint8), axis=-1)


def layer(rows: int, columns: int, bits: int, block: int, with_zeros: bool) -> list[Array | None]:
    """Packed weights, scales and zero points."""
    blocks = columns // block if block else 1
    numbers = GENERATOR.integers(0, 1 << bits, (EXPERTS, rows, columns))
    scales = GENERATOR.random((EXPERTS, rows, blocks)).astype(np.float32) * 0.1
    zeros = GENERATOR.integers((1 << bits) // 2 - 1, (1 << bits) // 2 + 1, (EXPERTS, rows, blocks))
    zero = zeros if block else zeros[..., 0]
    return [
        packed(numbers, bits),
        scales if block else scales[..., 0],
        packed(zero, bits) if with_zeros else None,
    ]


def raised_mixture(raised: Raised, bits: int, block: int, with_zeros: bool, **settings: Any) -> Any:
    first, second = layer(INNER, HIDDEN, bits, block, with_zeros), layer(HIDDEN, INNER, bits, block, with_zeros)
    given = {"one": first[0], "scale1": first[1], "zero1": first[2]}
    given |= {"two": second[0], "scale2": second[1], "zero2": second[2]}
    constants = {name: array for name, array in given.items() if array is not None}
    names = ["x", "r", "one", "scale1", "", "two", "scale2", *[""] * 4]
    names += ["zero1", "zero2"] if with_zeros else []
    sizes = {"block_size": block} if block else {}
    nodes = [
        node("MatMul", ["x", "router"], ["r"]),
        node("QMoE", names, ["y"], domain="com.microsoft", k=2, expert_weight_bits=bits, **sizes, **settings),
    ]
    router = GENERATOR.standard_normal((HIDDEN, EXPERTS)).astype(np.float32)
    return raised(nodes, X, {**constants, "router": router}, ["t", HIDDEN])


@pytest.mark.parametrize("with_zeros", [False, True])
@pytest.mark.parametrize(("bits", "block"), [(8, 0), (4, 0), (4, 16), (2, 0), (2, 16)])
def test_integers(bits: int, block: int, with_zeros: bool, raised: Raised) -> None:
    """With a scale for each column of a weight, its integers are the weight, less the zero point if int8 holds that."""
    network = raised_mixture(raised, bits, block, with_zeros)
    assert "QMoE" not in network.operators
    np.testing.assert_allclose(network.after, network.before, rtol=1e-4, atol=1e-4)
    if not block:
        assert sum(weight.affine is not None for weight in network.weights) == 2 * EXPERTS


def test_bits_of_each_layer(raised: Raised) -> None:
    """What one layer says of its bits counts more than what is said of all."""
    network = raised_mixture(raised, 4, 0, False, fc1_expert_weight_bits=4, fc2_expert_weight_bits=4)
    np.testing.assert_allclose(network.after, network.before, rtol=1e-4, atol=1e-4)
