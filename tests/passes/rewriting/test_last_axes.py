"""The last axes of values: the same numbers whether or not the rank is known, and in old operator sets."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import SSAValue
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network, shape_of
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.last_axes import leading, squeezed, sum_over, with_last_axes

Build = Callable[[DigitalBuilder, SSAValue], SSAValue]
X = np.arange(24, dtype=np.float32).reshape(2, 2, 6)


def built(build: Build, x: NDArray[Any], type_: str, opset: int) -> tuple[NDArray[Any], tuple[int, ...] | None]:
    """What `build` makes of `x`, and the shape that it has in the IR."""
    context = make_context()
    module = Parser(
        context,
        f"""builtin.module attributes {{"cim.opsets" = ["ai.onnx:{opset}"]}} {{
          func.func @main(%x: tensor<{type_}xf32>) -> tensor<{type_}xf32> {{ func.return %x : tensor<{type_}xf32> }}
        }}""",
    ).parse_module()
    network = Network.of(context, module)
    value = build(DigitalBuilder(network, network.returned), network.block.args[0])
    network.returned.operands[0] = value
    (y,) = run_graph(network_model(network), {"input0": x}).values()
    return y, shape_of(value.type)


@pytest.mark.parametrize("opset", [11, 13, 21])
@pytest.mark.parametrize("type_", ["2x?x6", "*"])
def test_reshapes_and_sums(type_: str, opset: int) -> None:
    y, shape = built(lambda b, x: with_last_axes(b, x, [3, 2]), X, type_, opset)
    np.testing.assert_array_equal(y, X.reshape(2, 2, 3, 2))
    assert shape in (None, (2, DYNAMIC_INDEX, 3, 2))
    y, shape = built(lambda b, x: with_last_axes(b, x, [12], replaced=2), X, "2x2x6" if type_ != "*" else type_, opset)
    np.testing.assert_array_equal(y, X.reshape(2, 12))
    y, shape = built(lambda b, x: sum_over(b, x, -2), X, type_, opset)
    np.testing.assert_array_equal(y, X.sum(axis=-2))
    assert shape in (None, (2, 6))
    y, _ = built(lambda b, x: leading(b, x, 1), X, type_, opset)
    assert y.tolist() == [2, 2]


@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize(("axes", "expected"), [((), (2, 1, 1, 3)), ((1,), (2, 1, 3)), ((-2, 1), (2, 3))])
def test_axes_of_size_one(axes: Sequence[int], expected: tuple[int, ...], opset: int) -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 1, 1, 3)
    y, shape = built(lambda b, x: squeezed(b, x, axes), x, "2x1x1x3", opset)
    assert y.shape == shape == expected
