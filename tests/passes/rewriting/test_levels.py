"""Levels of operations: constants stand near their first user, and what bodies read counts."""

from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp
from dialects.network import Network
from dialects.weights import WeightStore
from passes.rewriting.levels import by_level, operation_levels, sources

TEXT = """
cim.weight @w = dense<1.0> : tensor<4x4xf32>
func.func @main(%x: tensor<?x4xf32>, %go: tensor<i1>) -> tensor<?x4xf32> {
  %late = cim.constant dense<1.0> : tensor<f32>
  %both = cim.constant dense<2.0> : tensor<f32>
  %nobody = cim.constant dense<3.0> : tensor<f32>
  %a = cim.digital "Mul"(%x, %both) : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %b = cim.matmul %a, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %c = cim.matmul %x, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  %d = cim.digital "Mul"(%b, %both) : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %e = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
    %inner = cim.digital "Add"(%c, %late) : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
    cim.yield %inner : tensor<?x4xf32>
  } {
    cim.yield %d : tensor<?x4xf32>
  } : (tensor<i1>) -> tensor<?x4xf32>
  %y = cim.matmul %e, @w : tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}"""


def network() -> Network:
    return Network(Parser(make_context(), TEXT).parse_module(), WeightStore())


def test_levels_count_multiplications_in_succession() -> None:
    ops = network().body
    level = {op.results[0].name_hint: number for op, number in operation_levels(ops, MatmulOp).items()}
    assert level == {"late": 1, "both": 0, "nobody": 0, "a": 0, "b": 0, "c": 0, "d": 1, "e": 1, "y": 1}


def test_other_operations_may_be_counted() -> None:
    ops = network().body
    level = {op.results[0].name_hint: number for op, number in operation_levels(ops, DigitalOp).items()}
    assert level == {"late": 2, "both": 0, "nobody": 0, "a": 0, "b": 1, "c": 0, "d": 1, "e": 2, "y": 3}


def test_what_is_read_from_outside_of_the_operations_has_no_level() -> None:
    ops = network().body
    (last,) = (op for op in ops if op.results[0].name_hint == "y")
    assert operation_levels([last], MatmulOp) == {last: 0}


def test_operations_of_a_level_keep_their_order() -> None:
    ops = network().body
    levels = by_level(ops, operation_levels(ops, MatmulOp))
    names = [[op.results[0].name_hint for op in of_level] for of_level in levels]
    assert names == [["both", "nobody", "a", "b", "c"], ["late", "d", "e", "y"]]


def test_without_operations_there_is_one_level() -> None:
    assert by_level([], {}) == [[]]


def test_sources_are_those_of_bodies_too() -> None:
    (branch,) = (op for op in network().body if op.regions)
    assert {op.results[0].name_hint for op in sources(branch)} == {"c", "late", "inner", "d"}
