"""Loads of weights in a schedule: between what is before and what is after, as long as their rows take."""

from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.ir.texts import text_of
from cimc.pass_driver.pass_runner import check
from cimc.universe import make_context
from dialects import array
from dialects.network import Network
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.schedule_arrays.scheduled import take_apart

CHIP = (
    '"small", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", '
    'arrays = 1, settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, program_row_ns = 20.0, '
    "digital_units = 1, add_ns = 2.0"
)
TEXT = f"""
builtin.module attributes {{hardware.chip = #hardware.chip<{CHIP}>}} {{
  cim.weight @w = dense<127> : tensor<4x4xi8>
  cim.weight @v = dense<5> : tensor<2x4xi8>
  func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x2xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {{
    %a = array.multiply %x by @w load 0 {{
      tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
    }} : tensor<?x4xui8> -> tensor<?x4xi32>
    %b = array.multiply %z by @v load 1 {{
      tile 0: rows 0 to 1, columns 0 to 3 in array 1 at row 1, column 0
    }} : tensor<?x2xui8> -> tensor<?x4xi32>
    func.return %a, %b : tensor<?x4xi32>, tensor<?x4xi32>
  }}
}}
"""


TIMED = array.LoadOp | array.StageOp | array.ControlOp


def spans(module: ModuleOp) -> list[tuple[str, int, int]]:
    """What is scheduled, from when to when."""
    ops = [op for op in module.walk() if isinstance(op, array.LoadOp | array.StageOp)]
    starts = [(op.name, op.start_ps.value.data, op.duration_ps.value.data) for op in ops]
    return [(name, start, start + duration) for name, start, duration in starts]


def test_each_stage_waits_for_its_load_and_each_load_for_the_stage_before() -> None:
    context = make_context()
    network = Network.of(context, Parser(context, TEXT).parse_module())
    before = text_of(network.module)
    ScheduleArraysPass().apply(context, network.module)
    check(network.module, ScheduleArraysPass.name)
    (_, *first), (_, *stage), (_, *second), (_, *last) = spans(network.module)
    assert [name for name, _, _ in spans(network.module)] == ["array.load", "array.stage"] * 2
    assert first == [0, 4 * 20_000]  # the rows that hold cells
    assert second == [stage[1], stage[1] + 2 * 20_000]
    assert (stage[0], last[0]) == (first[1], second[1])
    again = Parser(context, text_of(network.module)).parse_module()
    assert text_of(again) == text_of(network.module)
    take_apart(network)
    assert text_of(network.module) == before


def test_bodies_wait_for_their_load_as_a_whole() -> None:
    """The load comes before the control flow that needs it, none in it, and the one after it waits for its end."""
    context = make_context()
    body = """%b = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {
      INNER
      cim.yield %t : tensor<?x4xi32>
    } {
      cim.yield %y : tensor<?x4xi32>
    } : (tensor<i1>) -> tensor<?x4xi32>"""
    product = TEXT[TEXT.index("%b = array") : TEXT.index("    func.return")]
    text = TEXT.replace(product, body.replace("INNER", product.replace("%b", "%t")))
    text = text.replace("%z: tensor<?x2xui8>", "%z: tensor<?x2xui8>, %y: tensor<?x4xi32>, %go: tensor<i1>")
    network = Network.of(context, Parser(context, text).parse_module())
    ScheduleArraysPass().apply(context, network.module)
    check(network.module, ScheduleArraysPass.name)
    top = [(op.name, op.start_ps.value.data) for op in network.block.ops if isinstance(op, TIMED)]
    assert [name for name, _ in top] == ["array.load", "array.stage", "array.load", "array.control"]
    (_, _), (_, stage), (_, load), (_, control) = top
    assert stage < load == control - 2 * 20_000
