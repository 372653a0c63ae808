"""Operations and weights that fit together, and the first that does not; each message is in lit/dialects/*/invalid."""

import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import main_block
from dialects.weight_uses import wrong_weight_use

WEIGHTS = """
cim.weight @w = dense<1> : tensor<4x4xi8> as #cim.affine<@scale, @zero>
cim.weight @scale = dense<1.0> : tensor<4xf32>
cim.weight @zero = dense<1> : tensor<4xi32>
cim.weight @order = dense<[3, 2, 1, 0]> : tensor<4xi64>
cim.weight @fewer = dense<[3, 2]> : tensor<2xi64>
cim.weight @blocks = dense<1> : tensor<2x2x2xi8>
  structure #cim.block_diagonal<2 blocks of 2x2, "monarch", columns = @order>
"""


def parsed(*lines: str, weights: str = WEIGHTS, x: str = "?x4") -> ModuleOp:
    body = "\n".join(lines)
    text = f"""{weights}
    func.func @main(%f: tensor<{x}xf32>, %u: tensor<{x}xui8>) {{
      {body}
      func.return
    }}"""
    return Parser(make_context(), text).parse_module()


@pytest.mark.parametrize(
    "line",
    [
        "%y = cim.matmul %f, @w : tensor<?x4xf32> -> tensor<?x4xf32>",
        "%y = cim.matmul %u, @w : tensor<?x4xui8> -> tensor<?x4xi32>",
        "%y = cim.matmul %u, @blocks : tensor<?x4xui8> -> tensor<?x?xi32>",
        "%y = cim.permute %f, @fewer : tensor<?x4xf32> -> tensor<?x2xf32>",
        "%y = cim.read @scale : tensor<4xf32>",
        "%y = array.multiply %u by @w { tile 0: rows 0 to 3, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>",
    ],
)
def test_uses_that_fit(line: str) -> None:
    assert wrong_weight_use(parsed(line)) is None


def test_sizes_and_ranks_that_are_not_known_fit() -> None:
    line = "%y = cim.matmul %f, @w : tensor<*xf32> -> tensor<*xf32>"
    assert wrong_weight_use(parsed(line, x="*")) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "%y = array.multiply %u by @w { tile 0: rows 1 to 4, columns 0 to 3 } : tensor<?x4xui8> -> tensor<?x4xi32>",
            "array.multiply of node 'array.multiply': a tile reaches beyond weight @w of 4x4",
        ),
        (
            "%y = array.multiply %u by @w { tile 0: rows 0 to 3, columns 1 to 4 } : tensor<?x4xui8> -> tensor<?x4xi32>",
            "array.multiply of node 'array.multiply': a tile reaches beyond weight @w of 4x4",
        ),
        (
            '%y = cim.permute %f, @order : tensor<?x4xf32> -> tensor<?x3xf32> loc("/p")',
            "cim.permute of node '/p': the result is tensor<?x3xf32>, expected 4 as its last dimension for table "
            "@order",
        ),
        (
            '%y = cim.permute %f, @zero : tensor<?x4xf32> -> tensor<?x4xf32> loc("/p")',
            "cim.permute of node '/p': table @zero is tensor<4xi32>, expected i64 numbers of elements",
        ),
    ],
)
def test_tables_that_do_not_fit(line: str, message: str) -> None:
    assert wrong_weight_use(parsed(line)) == message


def test_an_order_that_does_not_fit() -> None:
    weights = WEIGHTS.replace("columns = @order", "columns = @fewer")
    expected = "weight @blocks: @fewer is tensor<2xi64>, expected tensor<4xi64>, an order of the columns"
    assert wrong_weight_use(parsed(weights=weights)) == expected
    weights = WEIGHTS.replace("columns = @order", "columns = @none")
    expected = "weight @blocks: @none is used but not defined: expected a cim.weight of that name"
    assert wrong_weight_use(parsed(weights=weights)) == expected


def test_the_first_is_named_in_bodies_too() -> None:
    module = parsed(
        "%go = cim.constant dense<true> : tensor<i1>",
        '%y = cim.digital "If"(%go) bodies ["then_branch"] {',
        '  %a = cim.read @inner : tensor<4xf32> loc("/a")',
        "  cim.yield %a : tensor<4xf32>",
        "} : (tensor<i1>) -> tensor<4xf32>",
        '%b = cim.read @outer : tensor<4xf32> loc("/b")',
    )
    expected = "weight @{} is used but not defined: expected a cim.weight of that name"
    assert wrong_weight_use(module) == f"cim.read of node '/a': {expected.format('inner')}"
    last = list(main_block(module).ops)[-2:]
    assert wrong_weight_use(module, last) == f"cim.read of node '/b': {expected.format('outer')}"
