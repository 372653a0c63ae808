"""Products by matrices and blocks: how their weights are stored, and that padding and offsets need no rank.

That the numbers are right is checked in tests/passes/raise_matmul/test_float_products.py.
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.constants.constants import ConstantMatrix
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.float_products import are_multiplied, block_product

RNG = np.random.default_rng(0)
VALUES = RNG.integers(0, 256, (2, 5, 3)).astype(np.uint8)
SCALE = np.repeat(RNG.uniform(0.1, 1, (2, 3, 3)).astype(np.float32), 2, axis=1)[:, :5]
ZERO = np.repeat(RNG.integers(0, 256, (2, 3, 3)).astype(np.int32), 2, axis=1)[:, :5]
X = RNG.standard_normal((4, 10), np.float32)


def built(blocks: ConstantTensor, x: NDArray[Any], type_: str) -> tuple[NDArray[Any], list[str]]:
    """The product of `x` and blocks as ONNX Runtime computes it, and the weights that it has."""
    context = make_context()
    module = Parser(
        context,
        f"func.func @main(%x: tensor<{type_}xf32>) -> tensor<{type_}xf32> {{ func.return %x : tensor<{type_}xf32> }}",
    ).parse_module()
    network = Network.of(context, module)
    network.returned.operands[0] = block_product(
        DigitalBuilder(network, network.returned), network.block.args[0], blocks
    )
    (y,) = run_graph(network_model(network), {"input0": x}).values()
    weights = [f"{name} {weight.tensor_type} {weight.kind}" for name, weight in network.weights.items()]
    return y, [
        text for text in weights if ".int8" in text or ".float" in text or ".blocks" in text or ".matrix" in text
    ]


def product(x: NDArray[Any], blocks: ConstantTensor) -> NDArray[Any]:
    y = np.einsum("tbk,bkn->tbn", x.reshape(len(x), len(blocks.values), -1), blocks.numbers())
    return y.reshape(len(x), -1)


@pytest.mark.parametrize("type_", ["?x10", "*"])
@pytest.mark.parametrize("zero", [None, ZERO])
def test_blocks_of_rows(type_: str, zero: NDArray[Any] | None) -> None:
    """Two blocks of five rows with scales for every two: six blocks, the third and sixth filled up with zeros."""
    blocks = ConstantTensor(VALUES, "w", scale=SCALE, zero_point=zero)
    y, weights = built(blocks, X, type_)
    np.testing.assert_allclose(y, product(X, blocks), rtol=1e-4, atol=1e-2)
    assert weights == ["w.int8 tensor<6x2x3xi8> block_diagonal"]


@pytest.mark.parametrize(
    ("blocks", "weight"),
    [
        (ConstantTensor(SCALE, "w"), "w.blocks tensor<2x5x3xf32> block_diagonal"),
        (ConstantTensor(SCALE[:1], "w"), "w.matrix tensor<5x3xf32> dense"),
        (
            ConstantTensor(VALUES[:1], "w", scale=RNG.uniform(0.1, 1, (1, 5, 3)).astype(np.float32)),
            "w.float tensor<5x3xf32> dense",
        ),
        (
            ConstantTensor(VALUES, "w", scale=np.full((2, 5, 3), 0.5, np.float32)),
            "w.int8 tensor<2x5x3xi8> block_diagonal",
        ),
    ],
)
def test_how_weights_are_stored(blocks: ConstantTensor, weight: str) -> None:
    x = X[:, : 5 * len(blocks.values)]
    y, weights = built(blocks, x, f"?x{x.shape[1]}")
    np.testing.assert_allclose(y, product(x, blocks), rtol=1e-4, atol=1e-2)
    assert weights == [weight]


def test_types_of_factors() -> None:
    """Floats are multiplied by numbers of their type: those of a scale, where there is one."""
    module = Parser(make_context(), "func.func @main(%x: tensor<?x5xf32>, %n: tensor<?x5xi8>) { func.return }")
    x, n = Network.of(make_context(), module.parse_module()).block.args
    whole, half = ConstantMatrix(SCALE[0], "w"), ConstantMatrix(SCALE[0].astype(np.float16), "w")
    scaled = ConstantMatrix(VALUES[0], "w", scale=SCALE[0])
    assert are_multiplied(x, [whole, scaled])
    assert not are_multiplied(x, [whole, half])
    assert not are_multiplied(x, [])
    assert not are_multiplied(n, [whole])
