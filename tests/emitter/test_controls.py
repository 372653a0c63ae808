"""Control flow of the IR as that of a program: which values go where."""

import pytest
from xdsl.parser import Parser

from cimc.emitter.controls import control_of
from cimc.emitter.slots import Slots
from cimc.program.control_flow.controls import Branch, Carried, Control, Loop, Merged, Sliced, Stacked
from cimc.universe import make_context
from dialects.array import ControlOp
from dialects.network import main_block
from dialects.weights import WeightStore

VALUES = "%c: tensor<i1>, %n: tensor<i64>, %x: tensor<2xf32>, %xs: tensor<2x?xf32>"
"""Values 0 to 3; %none is no value."""


def control(text: str) -> Control:
    module = Parser(
        make_context(WeightStore()), f"func.func @main({VALUES}) {{ %none = cim.none : none {text} func.return }}"
    ).parse_module()
    block, slots = main_block(module), Slots()
    for argument in block.args:
        slots.of(argument)
    (op,) = (op for op in block.ops if isinstance(op, ControlOp))
    return control_of(op, slots)


LOOP = """%y, %all = array.control "Loop"({trips}, {condition}, %x) bodies ["body"] start_ps 0 duration_ps 0 {{
^bb0(%i: tensor<{i}i64>, %go: tensor<i1>, %s: tensor<2xf32>):
  array.yield %go, %s, %i : tensor<i1>, tensor<2xf32>, tensor<{i}i64>
}} : ({types}, tensor<2xf32>) -> (tensor<2xf32>, tensor<?xi64>)"""


@pytest.mark.parametrize(
    ("given", "trips", "condition"),
    [
        ({"trips": "%n", "condition": "%c", "types": "tensor<i64>, tensor<i1>"}, 1, 0),
        ({"trips": "%none", "condition": "%none", "types": "none, none"}, None, None),
    ],
)
@pytest.mark.parametrize("vector", [False, True])
def test_loops(given: dict[str, str], trips: int | None, condition: int | None, vector: bool) -> None:
    made = control(LOOP.format(i="1x" if vector else "", **given))
    assert isinstance(made, Loop)
    assert (made.trips, made.condition, made.vectors) == (trips, condition, (vector, False))
    assert made.again == made.running
    (carried,), (stacked,) = made.carried, made.stacked
    assert (carried.initial, carried.begin == carried.end) == (2, True)
    assert (stacked.slice, stacked.axis, stacked.reverse) == (made.iteration, 0, False)
    assert (stacked.dtype, stacked.shape) == ("int64", (1,) if vector else ())


def test_scans() -> None:
    made = control(
        """%y, %all = array.control "Scan"(%x, %xs) with {num_scan_inputs = 1 : i64,
            scan_input_axes = array<i64: -1>, scan_output_axes = array<i64: -2>, scan_output_directions = array<i64: 1>}
        bodies ["body"] start_ps 0 duration_ps 0 {
        ^bb0(%s: tensor<2xf32>, %p: tensor<2xf32>): array.yield %p, %s : tensor<2xf32>, tensor<2xf32>
        } : (tensor<2xf32>, tensor<2x?xf32>) -> (tensor<2xf32>, tensor<?x2xf32>)"""
    )
    assert isinstance(made, Loop)
    assert {made.carried[0].begin, made.sliced[0].slice, made.carried[0].final, made.stacked[0].whole} == {4, 5, 6, 7}
    begin, part, final, whole = (
        made.carried[0].begin, made.sliced[0].slice, made.carried[0].final, made.stacked[0].whole
    )  # fmt: skip
    assert made == Loop(
        made.node,
        carried=(Carried(2, begin, part, final),),
        sliced=(Sliced(3, part, 1, False),),
        stacked=(Stacked(begin, whole, 0, True, "float32", (2,)),),
    )


def test_branches_are_told_apart_by_name() -> None:
    made = control(
        """%y = array.control "If"(%c) bodies ["else_branch", "then_branch"] start_ps 0 duration_ps 0 {
            array.yield %x : tensor<2xf32>
        } {
            array.yield %xs : tensor<2x?xf32>
        } : (tensor<i1>) -> tensor<2x?xf32>"""
    )
    assert isinstance(made, Branch)
    assert (made.condition, made.merged) == (0, (Merged(3, 2, 4),))
