"""Products with constant blocks: the roles of axes, the letters of einsums, and what is left alone."""

import numpy as np
import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import MatmulOp
from dialects.network import Network
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from passes.detect_block_diagonal.block_products import BLOCK_PRODUCTS, Contraction, parse_equation
from passes.rewriting.patterns import rewrite


def test_roles_of_axes() -> None:
    product = Contraction("btkp", "kpq", "tbqk")
    assert (product.tokens, product.blocks, product.inputs, product.outputs) == ("bt", "k", "p", "q")
    assert product.is_product


@pytest.mark.parametrize(
    ("x", "w", "y"),
    [("bp", "p", "bp"), ("bp", "pq", "q"), ("bpp", "pq", "bq"), ("bp", "pqr", "bq"), ("bk", "kq", "bkq")],
)
def test_what_is_no_product(x: str, w: str, y: str) -> None:
    """Nothing summed over, a sum over tokens, a diagonal, a sum over the weight alone, blocks without inputs."""
    assert not Contraction(x, w, y).is_product


@pytest.mark.parametrize(
    ("equation", "ranks", "expected"),
    [
        ("bkp,kpq->bkq", (3, 3), (["bkp", "kpq"], "bkq")),
        (" b k p , k p q -> b k q ", (3, 3), (["bkp", "kpq"], "bkq")),
        ("...kp,kpq->...kq", (4, 3), (["ABkp", "kpq"], "ABkq")),
        ("...Ap,Apq->...Aq", (3, 3), (["BAp", "Apq"], "BAq")),
        ("bkp,kqr", (3, 3), (["bkp", "kqr"], "bpqr")),
        ("...p,pq", (3, 2), (["ABp", "pq"], "ABq")),
        ("...kp,...pq->...kq", (4, 4), (["ABkp", "ABpq"], "ABkq")),
    ],
)
def test_letters(equation: str, ranks: tuple[int, ...], expected: tuple[list[str], str]) -> None:
    assert parse_equation(equation, [(2,) * rank for rank in ranks]) == expected


def test_an_ellipsis_needs_a_rank() -> None:
    assert parse_equation("...p,pq->...q", [None, (2, 2)]) is None


LEFT_ALONE = {
    "blocks that broadcast": '"MatMul"(%x, %w) : (tensor<1x?x2xf32>, tensor<2x2x2xf32>) -> tensor<2x?x2xf32>',
    "more axes than the vectors": '"MatMul"(%x, %u) : (tensor<1x?x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x?x2xf32>',
    "an einsum that broadcasts": '"Einsum"(%x, %w) with {equation = "ktp,kpq->ktq"} : (tensor<1x?x2xf32>, '
    "tensor<2x2x2xf32>) -> tensor<2x?x2xf32>",
    "an einsum of two activations": '"Einsum"(%x, %x) with {equation = "ktp,ksp->kts"} : (tensor<1x?x2xf32>, '
    "tensor<1x?x2xf32>) -> tensor<1x?x?xf32>",
    "another operator": '"Add"(%x, %w) : (tensor<1x?x2xf32>, tensor<2x2x2xf32>) -> tensor<2x?x2xf32>',
    "blocks of another type": '"MatMul"(%x, %d) : (tensor<1x?x2xf32>, tensor<1x2x2xf64>) -> tensor<1x?x2xf32>',
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_is_left_alone(name: str) -> None:
    ctx = make_context()
    kind = LEFT_ALONE[name].rsplit("-> ", 1)[1]
    module = Parser(
        ctx,
        f"""
        cim.weight @w = dense<1.0> : tensor<2x2x2xf32>
        cim.weight @u = dense<1.0> : tensor<1x1x2x2xf32>
        cim.weight @d = dense<1.0> : tensor<1x2x2xf64>
        func.func @main(%x: tensor<1x?x2xf32>) -> {kind} {{
          %w = cim.read @w : tensor<2x2x2xf32>
          %u = cim.read @u : tensor<1x1x2x2xf32>
          %d = cim.read @d : tensor<1x2x2xf64>
          %y = cim.digital {LEFT_ALONE[name]}
          func.return %y : {kind}
        }}""",
    ).parse_module()
    text, network = str(module), Network.of(ctx, module)
    assert not rewrite(network.block.ops, *(product(network) for product in BLOCK_PRODUCTS))
    assert str(module) == text


def integer_product(x: str, y: str, weight: str, zero_x: str = "2", zero_w: str = "3") -> Network:
    """`MatMulInteger` of %x by [2, 2, 3] numbers of one type with it, less zero points of one or several numbers."""
    kind = x.rsplit("x", 1)[1]
    zeros = [f"tensor<{'2x1x3x' if ',' in zero else ''}{kind}>" for zero in (zero_x, zero_w)]
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
    """Whether the product of integers became one by blocks, which is then in its place."""
    changed = rewrite(network.block.ops, *(product(network) for product in BLOCK_PRODUCTS))
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
    ("weight", "zero", "fits"),
    [("127", "0", True), ("127", "-1", False), ("-128", "0", True), ("-128", "1", False), ("-127", "1", True)],
)
def test_integers_that_are_no_bytes_without_their_zero_point(weight: str, zero: str, fits: bool) -> None:
    assert raised(integer_product("2x?x2xi8", "2x?x3", weight, zero_w=zero)) == fits


@pytest.mark.parametrize(
    ("x", "y", "zero_x", "zero_w"),
    [
        ("?x2xi8", "2x?x3", "2", "3"),
        ("1x?x2xi8", "2x?x3", "2", "3"),
        ("2x?x2xi8", "2x?x3", "2", "[[[1, 2, 3]], [[4, 5, 6]]]"),
    ],
)
def test_products_of_integers_that_are_left_alone(x: str, y: str, zero_x: str, zero_w: str) -> None:
    """Vectors without blocks, vectors that are shared by blocks, a zero point for each column."""
    assert not raised(integer_product(x, y, NUMBERS, zero_x, zero_w))
