"""Products with constant blocks: the roles of axes, the letters of einsums, and what is left alone."""

import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network
from passes.detect_block_diagonal.block_products import BLOCK_PRODUCTS, parse_equation
from passes.rewriting.patterns import rewrite


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
        cim.weight @d = dense<1.0> : tensor<1x2x2xf64>
        func.func @main(%x: tensor<1x?x2xf32>) -> {kind} {{
          %w = cim.read @w : tensor<2x2x2xf32>
          %d = cim.read @d : tensor<1x2x2xf64>
          %y = cim.digital {LEFT_ALONE[name]}
          func.return %y : {kind}
        }}""",
    ).parse_module()
    text, network = str(module), Network.of(ctx, module)
    assert not rewrite(network.block.ops, *(product(network) for product in BLOCK_PRODUCTS))
    assert str(module) == text
