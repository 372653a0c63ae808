"""Products of integers by many small matrices: all bits stay, whatever the zero points."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import MatmulOp
from dialects.network import Network
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from passes.raise_matmul.integer_products import RaiseMatMulInteger
from passes.rewriting.patterns import rewrite


def integer_product(x: str, y: str, weight: str, zero_x: str = "2", zero_w: str = "3") -> Network:
    """`MatMulInteger` of %x by [2, 2, 3] numbers of one type with it, less zero points of one or several numbers."""
    kind = x.rsplit("x", 1)[1]
    shapes = ("2x1x3x" if zero.count("[") == 5 else "2x2x3x" if "," in zero else "" for zero in (zero_x, zero_w))
    zeros = [f"tensor<{shape}{kind}>" for shape in shapes]
    ctx = make_context()
    module = Parser(
        ctx,
        f"""
        cim.weight @w = dense<{weight}> : tensor<2x2x3x{kind}>
        func.func @main(%x: tensor<{x}> {{cim.name = "x"}}) -> (tensor<{y}xi32> {{cim.name = "y"}}) {{
          %w = cim.read @w : tensor<2x2x3x{kind}>
          %zx = cim.constant dense<{zero_x}> : {zeros[0]}
          %zw = cim.constant dense<{zero_w}> : {zeros[1]}
          %y = cim.digital "MatMulInteger"(%x, %w, %zx, %zw) : (tensor<{x}>, tensor<2x2x3x{kind}>, {zeros[0]},
            {zeros[1]}) -> tensor<{y}xi32>
          func.return %y : tensor<{y}xi32>
        }}""",
    ).parse_module()
    return Network.of(ctx, module)


def raised(network: Network) -> bool:
    """Whether the product of integers became one on arrays, which is then in its place."""
    changed = rewrite(network.block.ops, RaiseMatMulInteger(network))
    network.module.verify()
    return changed


NUMBERS = "[[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 125]]]"


@pytest.mark.parametrize("kind", ["i8", "ui8"])
@pytest.mark.parametrize("leading", [(), (2,), (1, 3)])
@pytest.mark.parametrize("zero_x", ["0", "5"])
def test_products_of_integers(kind: str, leading: tuple[int, ...], zero_x: str) -> None:
    """Every bit stays, whatever dimensions come before blocks and tokens."""
    lead = "".join(f"{size}x" for size in leading)
    network = integer_product(f"{lead}2x?x2x{kind}", f"{lead}2x?x3", NUMBERS, zero_x)
    x = np.random.default_rng(0).integers(-128, 128, (*leading, 2, 5, 2)).astype(np.int8)
    x = x if kind == "i8" else x.view(np.uint8)
    (expected,) = run_graph(network_model(network), {"x": x}).values()
    assert raised(network)
    (product,) = (op for op in network.body if isinstance(op, MatmulOp))
    structure = network.weight(product.symbol).structure
    assert isinstance(structure, BlockDiagonalAttr)
    assert structure.data_shape == (2, 2, 3)
    (found,) = run_graph(network_model(network), {"x": x}).values()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("x", "y", "zero_w"),
    [
        ("2x?x2xui8", "2x?x3", "130"),
        ("2x?x2xi8", "2x?x3", "-128"),
        ("?x2xi8", "2x?x3", "3"),
        ("1x?x2xi8", "2x?x3", "-5"),
        ("5x1x?x2xui8", "5x2x?x3", "255"),
        ("2x?x2xi8", "2x?x3", "[[[1, 2, 3]], [[4, 5, -100]]]"),
        ("2x?x2xui8", "2x?x3", "[[[1, 2, 3]], [[4, 5, 200]]]"),
        ("?x2xui8", "2x?x3", "[[[1, 2, 3]], [[4, 5, 200]]]"),
    ],
)
def test_zero_points_of_blocks_and_of_shared_vectors(x: str, y: str, zero_w: str) -> None:
    """Exactly, also where int8 cannot hold the numbers less their zero points."""
    network = integer_product(x, y, NUMBERS, "7", zero_w)
    shape = [5 if size == "?" else int(size) for size in x.split("x")[:-1]]
    values = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    values = values.view(np.uint8) if x.endswith("ui8") else values
    (expected,) = run_graph(network_model(network), {"x": values}).values()
    assert raised(network)
    (found,) = run_graph(network_model(network), {"x": values}).values()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("x", "y"), [("?x?x2xi8", "2x?x3"), ("2x?x2xi8", "2x?x3")])
def test_products_of_integers_that_are_left_alone(x: str, y: str) -> None:
    """Where it is open whether vectors have a matrix each, and zero points of single rows."""
    zero = "[[[1, 2, 3], [1, 2, 3]], [[4, 5, 6], [1, 2, 3]]]" if x.startswith("2") else "3"
    assert not raised(integer_product(x, y, NUMBERS, "2", zero))
