"""How kernels move: strides, dilations and borders of every kind, and what ONNX Runtime refuses."""

import pytest
from xdsl.dialects.builtin import DenseArrayBase, StringAttr, i64
from xdsl.ir import Attribute
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network
from dialects.weights import WeightStore
from passes.raise_matmul.convolutions.windows import Window, image, windows
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.sizes import Sizes

Setting = dict[str, str | list[int]]


def moves(size: str, kernel: int, setting: Setting) -> list[Window] | None:
    ctx = make_context(WeightStore())
    type_ = f"tensor<1x2x{size}xf32>"
    text = f"func.func @main(%x: {type_}) -> {type_} {{ func.return %x : {type_} }}"
    network = Network.of(ctx, Parser(ctx, text).parse_module())
    attributes: dict[str, Attribute] = {
        name: StringAttr(value) if isinstance(value, str) else DenseArrayBase.from_list(i64, value)
        for name, value in setting.items()
    }
    sizes = Sizes(DigitalBuilder(network, network.returned))
    return windows(attributes, [kernel], network.block.args[0], 2, sizes)


@pytest.mark.parametrize(
    ("setting", "count", "border"),
    [
        ({}, 6, (0, 0)),
        ({"auto_pad": "VALID"}, 6, (0, 0)),
        ({"auto_pad": "NOTSET", "pads": [1, 2]}, 9, (1, 2)),
        ({"pads": [1, 0], "strides": [2]}, 4, (1, 0)),
        ({"dilations": [3]}, 2, (0, 0)),
        ({"auto_pad": "SAME_UPPER"}, 8, (1, 1)),
        ({"auto_pad": "SAME_UPPER", "strides": [2]}, 4, (0, 1)),
        ({"auto_pad": "SAME_LOWER", "strides": [2]}, 4, (1, 0)),
        ({"auto_pad": "SAME_LOWER", "strides": [5]}, 2, (0, 0)),
    ],
)
def test_a_kernel_of_three_over_eight(setting: Setting, count: int, border: tuple[int, int]) -> None:
    window, *others = moves("8", 3, setting) or []
    assert not others
    assert (window.count, (window.begin, window.end)) == (count, border)
    assert window.is_bordered == any(border)


@pytest.mark.parametrize(
    "setting",
    [
        {"pads": [-1, 0]},
        {"pads": [1]},
        {"auto_pad": "VALID", "pads": [0, 0]},
        {"auto_pad": "SAME_UPPER", "dilations": [2]},
        {"auto_pad": "SIDEWAYS"},
        {"kernel_shape": [2]},
        {"strides": [0]},
        {"strides": [1, 1]},
        {"dilations": [4]},
        {"pads": [1 << 40, 0]},
        {"strides": [1 << 62]},
    ],
)
def test_what_onnx_runtime_refuses(setting: Setting) -> None:
    assert moves("8", 3, setting) is None


def test_positions_that_are_not_known() -> None:
    (window,) = moves("?", 3, {"auto_pad": "SAME_UPPER", "strides": [2]}) or []
    assert window.count is None
    assert window.is_bordered
    (window,) = moves("?", 3, {"auto_pad": "SAME_UPPER"}) or []
    assert (window.begin, window.end) == (1, 1)


def test_forms() -> None:
    assert Window(8, 1, stride=2).is_point
    assert not Window(8, 1, begin=1).is_point
    assert Window(8, 2, stride=2).is_block
    assert Window(3, 3, stride=1).is_block
    assert not Window(8, 2, stride=2, end=1).is_block
    assert not Window(8, 2, stride=2, dilation=2).is_block
    assert Window(8, 3, dilation=2).span == 5


@pytest.mark.parametrize(("kernel", "expected"), [("4x2x3x3", "tensor<?x?x?x?xf32>"), ("*", "tensor<*xf32>")])
def test_an_image_of_unknown_rank_has_that_of_its_kernel(kernel: str, expected: str) -> None:
    ctx = make_context(WeightStore())
    text = f"""func.func @main(%x: tensor<*xf32>, %w: tensor<{kernel}xf32>) -> tensor<*xf32> {{
      %y = cim.digital "Neg"(%x) : (tensor<*xf32>) -> tensor<*xf32>
      func.return %y : tensor<*xf32>
    }}"""
    block = Network.of(ctx, Parser(ctx, text).parse_module()).block
    assert block.first_op is not None
    assert str(image(block.first_op.results[0], block.args[1]).type) == expected
