"""Movements of constants: what is not known, or cannot be, has none. The others: test_dequantisation.py."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.element_types import Array
from dialects.network import Network, main_block
from passes.rewriting.constants.constant_movements import MOVEMENTS
from passes.rewriting.constants.constant_tensors import constant_of

DATA = np.arange(6).reshape(2, 3)


def moved(node: str) -> Array | None:
    """What `node` makes of a constant [2, 3]; %n is no constant."""
    context = make_context()
    module = Parser(
        context,
        f"""func.func @main(%x: tensor<2x3xf32>, %n: tensor<1xi64>) -> tensor<*xf32> {{
          %zero = cim.constant dense<0> : tensor<1xi64>
          %one = cim.constant dense<1> : tensor<1xi64>
          %two = cim.constant dense<2> : tensor<1xi64>
          %less = cim.constant dense<-1> : tensor<1xi64>
          %far = cim.constant dense<7> : tensor<1xi64>
          %y = cim.digital {node} -> tensor<*xf32>
          func.return %y : tensor<*xf32>
        }}""",
    ).parse_module()
    network = Network.of(context, module)
    (op,) = (op for op in main_block(module).ops if isinstance(op, DigitalOp))
    move = MOVEMENTS[op.op_type.data](op, lambda value: constant_of(value, network), DATA.shape)
    return None if move is None else move(DATA)


LONG = "tensor<1xi64>"


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (f'"Slice"(%x, %zero, %two, %one) : (tensor<2x3xf32>, {LONG}, {LONG}, {LONG})', [[0, 1], [3, 4]]),
        ('"Slice"(%x) with {starts = array<i64: 1>, ends = array<i64: 9>} : (tensor<2x3xf32>)', [[3, 4, 5]]),
        ('"Unsqueeze"(%x) with {axes = array<i64: 0>} : (tensor<2x3xf32>)', [[[0, 1, 2], [3, 4, 5]]]),
        ('"Flatten"(%x) with {axis = -2 : i64} : (tensor<2x3xf32>)', [[0, 1, 2, 3, 4, 5]]),
        (f'"Gather"(%x, %less) with {{axis = 1 : i64}} : (tensor<2x3xf32>, {LONG})', [[2], [5]]),
    ],
)
def test_what_is_moved(node: str, expected: list[object]) -> None:
    """In the forms of old operator sets, too."""
    array = moved(node)
    assert array is not None
    assert array.tolist() == expected


@pytest.mark.parametrize(
    "node",
    [
        f'"Reshape"(%x, %n) : (tensor<2x3xf32>, {LONG})',
        f'"Expand"(%x, %n) : (tensor<2x3xf32>, {LONG})',
        f'"Unsqueeze"(%x, %n) : (tensor<2x3xf32>, {LONG})',
        f'"Squeeze"(%x, %n) : (tensor<2x3xf32>, {LONG})',
        f'"Gather"(%x, %n) : (tensor<2x3xf32>, {LONG})',
        f'"Gather"(%x, %far) : (tensor<2x3xf32>, {LONG})',
        f'"Gather"(%x, %zero) with {{axis = 2 : i64}} : (tensor<2x3xf32>, {LONG})',
        f'"Slice"(%x, %n, %two) : (tensor<2x3xf32>, {LONG}, {LONG})',
        f'"Slice"(%x, %zero, %two, %n) : (tensor<2x3xf32>, {LONG}, {LONG}, {LONG})',
        f'"Slice"(%x, %zero, %two, %far) : (tensor<2x3xf32>, {LONG}, {LONG}, {LONG})',
        f'"Slice"(%x, %two, %zero, %one, %less) : (tensor<2x3xf32>, {LONG}, {LONG}, {LONG}, {LONG})',
    ],
)
def test_what_is_not(node: str) -> None:
    """Places, shapes and axes that are no constants, or lie outside; and slices that run backwards."""
    assert moved(node) is None
