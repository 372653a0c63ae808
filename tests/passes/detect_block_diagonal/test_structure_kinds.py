"""Kinds of blocks: what two factors are part of is written on both."""

import pytest
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.network import Network, weights_of
from dialects.weights import WeightStore
from passes.detect_block_diagonal.structure_kinds import name_kinds

V = "tensor<?x4xf32>"
PERMUTE = f"%b = cim.permute %a, @p : {V} -> {V}"
RELU = f'%b = cim.digital "Relu"(%a) : ({V}) -> {V}'
MOVED_PERMUTE = f"""%m = cim.permute %x, @p : {V} -> {V}
  %b = cim.digital "Identity"(%m) : ({V}) -> {V}"""
SUM = '"ReduceSum"(%c, %axis) with {keepdims = 0 : i64} : (tensor<2x?x4xf32>, tensor<1xi64>)'
COUPLED = f"""%u = cim.digital "Unsqueeze"(%a, %axis) : ({V}, tensor<1xi64>) -> tensor<1x?x4xf32>
  %c = cim.digital "Mul"(%s, %u) : (tensor<2x1x4xf32>, tensor<1x?x4xf32>) -> tensor<2x?x4xf32>
  %b = cim.digital {SUM} -> {V}"""
UNCOUPLED = COUPLED.replace('"Mul"', '"Add"')


@pytest.mark.parametrize(
    ("between", "kinds"),
    [
        (PERMUTE, ("monarch", "monarch")),
        (COUPLED, ("blast", "blast")),
        (UNCOUPLED, ("block_diagonal", "block_diagonal")),
        (RELU, ("block_diagonal", "block_diagonal")),
        (MOVED_PERMUTE, ("block_diagonal", "block_diagonal")),
    ],
)
@pytest.mark.parametrize("order", ["", ", columns = @p"])
def test_kinds(between: str, kinds: tuple[str, str], order: str) -> None:
    module = Parser(
        make_context(),
        f"""
        cim.weight @p = dense<[0, 2, 1, 3]> : tensor<4xi64>
        cim.weight @w1 = dense<1.0> : tensor<2x2x2xf32>
          structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal"{order}>
        cim.weight @w2 = dense<2.0> : tensor<4x4xf32>
          structure #cim.blocks<"block_diagonal", [rows 0 to 3, columns 0 to 3]>
        func.func @main(%x: {V}) -> {V} {{
          %axis = cim.constant dense<0> : tensor<1xi64>
          %s = cim.constant dense<3.0> : tensor<2x1x4xf32>
          %a = cim.matmul %x, @w1 : {V} -> {V}
          {between}
          %y = cim.matmul %b, @w2 : {V} -> {V}
          func.return %y : {V}
        }}""",
    ).parse_module()
    name_kinds(Network(module, WeightStore()))
    module.verify()
    weights = weights_of(module)
    assert (weights["w1"].kind, weights["w2"].kind) == kinds
    structure = weights["w1"].structure
    assert structure is not None
    assert structure.order_symbol == ("p" if order else None)


def test_a_dense_factor_is_none() -> None:
    module = Parser(
        make_context(),
        f"""
        cim.weight @p = dense<[0, 2, 1, 3]> : tensor<4xi64>
        cim.weight @w1 = dense<1.0> : tensor<4x4xf32>
        cim.weight @w2 = dense<1.0> : tensor<2x2x2xf32> structure #cim.block_diagonal<2 blocks of 2x2, "block_diagonal">
        func.func @main(%x: {V}) -> {V} {{
          %a = cim.matmul %x, @w1 : {V} -> {V}
          {PERMUTE}
          %y = cim.matmul %b, @w2 : {V} -> {V}
          func.return %y : {V}
        }}""",
    ).parse_module()
    name_kinds(Network(module, WeightStore()))
    assert [weights_of(module)[name].kind for name in ("w1", "w2")] == ["dense", "block_diagonal"]
