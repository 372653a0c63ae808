"""Products with constant blocks: the roles of axes, the letters of einsums, and what is left alone."""

import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.network import Network, main_block
from passes.detect_block_diagonal.block_products import Contraction, parse_equation, raise_block_product


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
    "a convolution with a stride": '"Conv"(%x, %c) with {group = 2 : i64, strides = array<i64: 2>} : '
    "(tensor<1x?x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x?xf32>",
    "a convolution with a border": '"Conv"(%x, %c) with {group = 2 : i64, pads = array<i64: 1, 1>} : '
    "(tensor<1x?x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x?xf32>",
    "a convolution of one group": '"Conv"(%x, %c) : (tensor<1x?x2xf32>, tensor<2x1x1xf32>) -> tensor<1x2x?xf32>',
    "blocks of another type": '"MatMul"(%x, %d) : (tensor<1x?x2xf32>, tensor<1x2x2xf64>) -> tensor<1x?x2xf32>',
    "groups that do not share the outputs": '"Conv"(%x, %c) with {group = 3 : i64} : (tensor<1x?x2xf32>, '
    "tensor<2x1x1xf32>) -> tensor<1x2x?xf32>",
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
        cim.weight @c = dense<1.0> : tensor<2x1x1xf32>
        cim.weight @d = dense<1.0> : tensor<1x2x2xf64>
        func.func @main(%x: tensor<1x?x2xf32>) -> {kind} {{
          %w = cim.read @w : tensor<2x2x2xf32>
          %u = cim.read @u : tensor<1x1x2x2xf32>
          %c = cim.read @c : tensor<2x1x1xf32>
          %d = cim.read @d : tensor<1x2x2xf64>
          %y = cim.digital {LEFT_ALONE[name]}
          func.return %y : {kind}
        }}""",
    ).parse_module()
    found = [op for op in main_block(module).ops if isinstance(op, DigitalOp)]
    assert [raise_block_product(op, Network.of(ctx, module)) for op in found] == [None]
