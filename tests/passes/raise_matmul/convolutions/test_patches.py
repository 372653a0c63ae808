"""Patches of an image with a border of another number than 0, with channels last, and of many positions.

That convolutions are right with them is checked in ../raise_matmul/test_convolutions.py.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.network import Network, Port
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.raise_matmul.convolutions.patches import patches
from passes.raise_matmul.convolutions.windows import Window
from passes.rewriting.digital import DigitalBuilder

Bytes = NDArray[np.uint8]


def vectors(x: Bytes, windows: list[Window], channels: tuple[int, int], last: bool) -> tuple[Bytes, list[str]]:
    """The patches of `x` with a border of 7, and the operators that make them."""
    ctx = make_context(WeightStore())
    type_ = f"tensor<{'x'.join(map(str, x.shape))}xui8>"
    text = f"func.func @main(%x: {type_}) -> {type_} {{ func.return %x : {type_} }}"
    network = Network.of(ctx, Parser(ctx, text).parse_module())
    builder, image = DigitalBuilder(network, network.returned), network.block.args[0]
    border = builder.constant(np.array(7, np.uint8), "border")
    seen = patches(builder, image, windows, channels, border, channels_last=last)
    model = GraphWriter(network).model(network.body, [(image, Port("x", ()))], [(seen.vectors, Port("v", ()))])
    return run_graph(model, {"x": x})["v"], [op.op_type.data for op in network.body if isinstance(op, DigitalOp)]


@pytest.mark.parametrize("last", [False, True])
def test_groups_come_before_the_points_and_the_border_is_what_is_asked_for(last: bool) -> None:
    x = np.arange(1, 9, dtype=np.uint8).reshape(1, 4, 2)  # four channels in two groups
    given = np.ascontiguousarray(x.transpose(0, 2, 1)) if last else x
    result, _ = vectors(given, [Window(2, 2, begin=1)], (2, 2), last)
    assert result.tolist() == [[[7, 7, 1, 3, 7, 7, 5, 7], [1, 3, 2, 4, 5, 7, 6, 8]]]


@pytest.mark.parametrize("last", [False, True])
def test_an_image_is_cut_where_no_element_is_seen_twice(last: bool) -> None:
    x = np.arange(8, dtype=np.uint8).reshape(1, 2, 4)
    given = np.ascontiguousarray(x.transpose(0, 2, 1)) if last else x
    result, operators = vectors(given, [Window(4, 2, stride=2)], (1, 2), last)
    assert result.tolist() == [[[0, 4, 1, 5], [2, 6, 3, 7]]]
    assert "Gather" not in operators


def test_a_large_table_is_added_up_before_the_run() -> None:
    x = np.arange(100 * 100, dtype=np.uint8).reshape(1, 1, 100, 100)
    result, operators = vectors(x, [Window(100, 2), Window(100, 2)], (1, 1), False)
    assert "Add" in operators
    assert result.shape == (1, 99, 99, 4)
    assert result[0, 50, 60].tolist() == x[0, 0, 50:52, 60:62].reshape(-1).tolist()


def test_the_table_of_a_long_axis_is_computed_before_the_run() -> None:
    x = np.arange(600_000, dtype=np.uint8).reshape(1, 1, -1)
    result, operators = vectors(x, [Window(600_000, 2)], (1, 1), False)
    assert "Range" in operators
    assert np.array_equal(result[0, :, 1], x[0, 0, 1:])
