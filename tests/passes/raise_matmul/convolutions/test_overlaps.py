"""How transposed kernels overlap, and what of that ONNX Runtime refuses."""

import pytest
from xdsl.dialects.builtin import DenseArrayBase, StringAttr, i64
from xdsl.ir import Attribute
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network, Port
from dialects.semantics.onnx_graph import GraphWriter
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.raise_matmul.convolutions.overlaps import Overlap, overlaps, table_of_products
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.sizes import Sizes


def builder() -> DigitalBuilder:
    ctx = make_context(WeightStore())
    text = "func.func @main(%x: tensor<1x2x3xf32>) -> tensor<1x2x3xf32> { func.return %x : tensor<1x2x3xf32> }"
    network = Network.of(ctx, Parser(ctx, text).parse_module())
    return DigitalBuilder(network, network.returned)


def table(*axes: Overlap) -> list[int]:
    b = builder()
    value = table_of_products(b, axes, Sizes(b))
    model = GraphWriter(b.network).model(b.network.body, [], [(value, Port("table", ()))])
    return run_graph(model, {})["table"].tolist()


def test_an_output_is_the_sum_of_the_points_that_lie_on_it() -> None:
    # Two positions with products 0, 1, 2 and 3, 4, 5; nothing has the number 6.
    assert table(Overlap(2, 3, 2, 1, 0, 5, False)) == [[0, 6], [1, 6], [3, 2], [4, 6], [6, 5]]
    assert table(Overlap(2, 2, 1, 1, 1, 2, False)) == [[2, 1], [4, 3]]


def test_outputs_that_no_point_lies_on_and_those_of_one_each() -> None:
    assert table(Overlap(2, 1, 2, 1, 0, 4, False)) == [0, 2, 1, 2]


def test_two_axes_number_positions_before_points() -> None:
    one, other = Overlap(1, 2, 2, 1, 0, 2, False), Overlap(2, 1, 1, 1, 0, 2, False)
    assert table(one, other) == [[0, 2], [1, 3]]


def made(setting: dict[str, str | list[int]], kernel: int = 3) -> list[Overlap] | None:
    b = builder()
    attributes: dict[str, Attribute] = {
        name: StringAttr(value) if isinstance(value, str) else DenseArrayBase.from_list(i64, value)
        for name, value in setting.items()
    }
    return overlaps(attributes, [kernel], b.network.block.args[0], Sizes(b))


@pytest.mark.parametrize(
    ("setting", "begin", "count"),
    [
        ({}, 0, 5),
        ({"strides": [2], "output_padding": [1], "pads": [1, 2]}, 1, 5),
        ({"strides": [2], "auto_pad": "SAME_UPPER"}, 0, 6),
        ({"strides": [2], "auto_pad": "SAME_LOWER"}, 1, 6),
        ({"strides": [5], "auto_pad": "SAME_LOWER"}, 0, 13),
        ({"strides": [2], "output_shape": [6]}, 1, 6),
        ({"strides": [2], "output_shape": [6], "auto_pad": "SAME_UPPER"}, 0, 6),
    ],
)
def test_what_is_left_out(setting: dict[str, str | list[int]], begin: int, count: int) -> None:
    (axis,) = made(setting) or []
    assert (axis.begin, axis.count) == (begin, count)


def test_kernels_side_by_side() -> None:
    tiling = [made({"strides": [3]}), made({"strides": [3], "pads": [0, 1]}), made({"strides": [2]})]
    assert [axes is not None and axes[0].is_tiling for axes in tiling] == [True, False, False]


@pytest.mark.parametrize(
    "setting",
    [
        {"pads": [-1, 0]},
        {"pads": [3, 3]},
        {"pads": [0, 0], "auto_pad": "VALID"},
        {"auto_pad": "SIDEWAYS"},
        {"output_padding": [1]},
        {"output_padding": [0, 0]},
        {"output_shape": [1, 2, 6]},
        {"output_shape": [0]},
        {"kernel_shape": [2]},
        {"strides": [1 << 22]},
        {"output_shape": [1 << 50]},
    ],
)
def test_what_onnx_runtime_refuses(setting: dict[str, str | list[int]]) -> None:
    assert made(setting) is None
