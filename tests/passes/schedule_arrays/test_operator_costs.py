"""What digital operators of the IR take, from the shapes that their types tell."""

import pytest
from xdsl.ir import Operation
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.chip.costs import DigitalCosts
from dialects.cim import DigitalOp
from dialects.network import main_block
from passes.analysis.cost.digital import OperatorCost, Unit
from passes.schedule_arrays.operator_costs import cost_of, static_operators

COSTS = DigitalCosts(
    digital_units=2,
    vector_width=4,
    compare_ns=1,
    add_ns=2,
    function_ns=4,
    normalize_ns=10,
    attention_units=2,
    attention_macs_per_ns=8,
    vector_pj=20,
)
INPUTS = "%x: tensor<?x4xf32>, %y: tensor<3x?x8xf32>, %z: tensor<2x8x5xf32>, %s: tensor<f32>, %u: tensor<*xf32>"


def operators(text: str) -> list[Operation]:
    module = Parser(make_context(), f"func.func @main({INPUTS}) {{ {text} func.return }}").parse_module()
    return list(main_block(module).ops)


def cost(text: str) -> OperatorCost:
    op = next(op for op in operators(text) if isinstance(op, DigitalOp))
    return cost_of(op, COSTS)


@pytest.mark.parametrize(
    ("text", "units", "picoseconds"),
    [
        ('%a = cim.digital "Relu"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>', 1, 1000),
        ('%a = cim.digital "Add"(%y, %s) : (tensor<3x?x8xf32>, tensor<f32>) -> tensor<3x?x8xf32>', 2, 3 * 2000),
        ('%a = cim.digital "Erf"(%s) : (tensor<f32>) -> tensor<f32>', 1, 4000),
        ('%a = cim.digital "Erf"(%u) : (tensor<*xf32>) -> tensor<*xf32>', 1, 4000),
        ('%a = cim.digital "Gelu" of "com.microsoft"(%y) : (tensor<3x?x8xf32>) -> tensor<3x?x8xf32>', 2, 3 * 4000),
        ('%a = cim.digital "Gelu" of "other"(%y) : (tensor<3x?x8xf32>) -> tensor<3x?x8xf32>', 2, 3 * 2000),
        (
            '%n = cim.none : none %a = cim.digital "Clip"(%y, %n, %s) : '
            "(tensor<3x?x8xf32>, none, tensor<f32>) -> tensor<3x?x8xf32>",
            2,
            3 * 1000,
        ),
    ],
)
def test_vectors(text: str, units: int, picoseconds: int) -> None:
    """Dimensions that are not known before a run count as 1: a tensor ?x4 is one vector, 3x?x8 are six."""
    found = cost(text)
    assert (found.unit, found.units, found.picoseconds) == (Unit.VECTOR, units, picoseconds)


@pytest.mark.parametrize(
    "text",
    [
        '%a = cim.digital "Shape"(%y) : (tensor<3x?x8xf32>) -> tensor<3xi64>',
        '%a = cim.digital "Reshape"(%y, %s) : (tensor<3x?x8xf32>, tensor<f32>) -> tensor<*xf32>',
    ],
)
def test_what_takes_nothing(text: str) -> None:
    assert cost(text) == OperatorCost(Unit.NONE)


def test_an_empty_tensor_takes_no_time() -> None:
    found = cost('%a = cim.digital "Relu"(%u) : (tensor<*xf32>) -> tensor<0x4xf32>')
    assert found.picoseconds == 1000  # of its operand, whose shape is not known
    assert cost('%a = cim.digital "Concat"() : () -> tensor<0x4xf32>').picoseconds == 0


def test_products_of_activations() -> None:
    """`ij,jk->ik` of 2x8x5 with itself: an equation is an operator's setting."""
    text = '%a = cim.digital "Einsum"(%z, %z) with {equation = "bij,bik->bjk"} : '
    found = cost(text + "(tensor<2x8x5xf32>, tensor<2x8x5xf32>) -> tensor<2x5x5xf32>")
    assert found == OperatorCost(Unit.ATTENTION, 2, 1000 * 2 * 8 * 5 * 5 // 16, None)


def test_arithmetic_on_shapes_and_constants_is_static() -> None:
    text = """
        %n = cim.none : none
        %one = cim.constant dense<1> : tensor<1xi64>
        %shape = cim.digital "Shape"(%x) : (tensor<?x4xf32>) -> tensor<2xi64>
        %more = cim.digital "Concat"(%shape, %one) : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
        %low = cim.digital "Clip"(%more, %n, %one) : (tensor<3xi64>, none, tensor<1xi64>) -> tensor<3xi64>
        %made = cim.digital "Range"(%one) : (tensor<1xi64>) -> tensor<?xi64>
        %wide = cim.digital "Expand"(%x, %low) : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<*xf32>
        %late = cim.digital "Neg"(%wide) : (tensor<*xf32>) -> tensor<*xf32>"""
    ops = operators(text)
    static = {op.op_type.data for op in static_operators(ops) if isinstance(op, DigitalOp)}
    assert static == {"Shape", "Concat", "Clip", "Range"}


def test_bodies_read_what_is_outside_of_them() -> None:
    """An `If` on a constant is not static if a branch reads an input."""
    text = """
        %go = cim.constant dense<true> : tensor<i1>
        %one = cim.constant dense<1.0> : tensor<f32>
        %a = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
          cim.yield %s : tensor<f32>
        } {
          cim.yield %one : tensor<f32>
        } : (tensor<i1>) -> tensor<f32>
        %b = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
          cim.yield %one : tensor<f32>
        } {
          cim.yield %one : tensor<f32>
        } : (tensor<i1>) -> tensor<f32>"""
    ops = operators(text)
    branches = [op for op in ops if isinstance(op, DigitalOp)]
    assert static_operators(ops) == {branches[1]}


def test_what_a_body_is_given_is_not_read_outside() -> None:
    """A `Loop` over constants is static: its body reads the values that the loop hands to it."""
    text = """
        %count = cim.constant dense<3> : tensor<i64>
        %go = cim.constant dense<true> : tensor<i1>
        %one = cim.constant dense<1.0> : tensor<f32>
        %a = cim.digital "Loop"(%count, %go, %one) bodies ["body"] {
        ^bb0(%i: tensor<i64>, %on: tensor<i1>, %v: tensor<f32>):
          %w = cim.digital "Neg"(%v) : (tensor<f32>) -> tensor<f32>
          cim.yield %on, %w : tensor<i1>, tensor<f32>
        } : (tensor<i64>, tensor<i1>, tensor<f32>) -> tensor<f32>"""
    ops = operators(text)
    assert static_operators(ops) == {op for op in ops if isinstance(op, DigitalOp)}
