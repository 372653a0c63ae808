"""Each vector goes to the matrix that is chosen for it, and its product to where the vector was."""

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, f32
from xdsl.ir import SSAValue
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network, Port, shape_of
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import GraphError, run_graph
from dialects.weights import WeightStore
from passes.raise_matmul.experts.routing import routed
from passes.rewriting.digital import DigitalBuilder

Floats = NDArray[np.float32]
STACK = np.arange(24, dtype=np.float32).reshape(4, 3, 2)


def routed_run(x: Floats, index: NDArray[np.int64], shape: str, places: str, opset: int = 17) -> Floats:
    """The products of `x` and the chosen matrices of STACK, of types with these dimensions."""
    ctx = make_context(WeightStore())
    types = f"tensor<{shape}xf32>", f"tensor<{places}xi64>" if places else "tensor<i64>"
    text = f"func.func @main(%x: {types[0]}, %i: {types[1]}) -> {types[0]} {{ func.return %x : {types[0]} }}"
    module = f'module attributes {{cim.opsets = ["ai.onnx:{opset}"]}} {{ {text} }}'
    network = Network.of(ctx, Parser(ctx, module).parse_module())
    builder, (a, i) = DigitalBuilder(network, network.returned), network.block.args

    def multiply(vectors: SSAValue, expert: int) -> SSAValue:
        matrix = builder.constant(STACK[expert], "matrix")
        return builder.op("MatMul", [vectors, matrix], TensorType(f32, [DYNAMIC_INDEX, 2]))

    y = routed(builder, a, i, len(STACK), (3, 2), multiply)
    model = GraphWriter(network).model(network.body, [(a, Port("x", ())), (i, Port("i", ()))], [(y, Port("y", ()))])
    result = run_graph(model, {"x": x, "i": index})["y"]
    told = shape_of(y.type) or ()
    assert all(size in (DYNAMIC_INDEX, length) for size, length in zip(told, result.shape, strict=True))
    return result


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize(
    ("shape", "places"),
    [
        ((5, 1, 3), (5,)),
        ((2, 3), (5,)),
        ((1, 2, 3), (4, 5)),
        ((4, 1, 1, 3), (4, 5)),
        ((4, 5, 2, 3), (5,)),
        ((4, 2, 3), ()),
        ((0, 1, 3), (0,)),
        ((1, 3), (0,)),
    ],
)
def test_places(shape: tuple[int, ...], places: tuple[int, ...], opset: int) -> None:
    """Dimensions in front are broadcast; sizes may be known or not."""
    generator = np.random.default_rng(0)
    x = generator.integers(-5, 5, shape).astype(np.float32)
    index = generator.integers(-4, 4, places)
    expected = x @ STACK[index]
    unknown = "x".join("?" * (len(shape) - 1)) + "x3", "x".join("?" * len(places))
    fixed = "x".join(map(str, shape)), "x".join(map(str, places))
    for types in (unknown, fixed):
        assert np.array_equal(routed_run(x, index, *types, opset), expected)


@pytest.mark.parametrize("index", [4, -5])
def test_no_such_expert(index: int) -> None:
    with pytest.raises(GraphError):
        routed_run(np.ones((2, 1, 3), np.float32), np.array([0, index]), "?x1x3", "?")
