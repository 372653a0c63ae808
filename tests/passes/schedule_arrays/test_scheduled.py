"""Schedules are made of what a network is, and taken apart to it again."""

import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.ir.texts import text_of
from cimc.pass_driver.pass_runner import check
from cimc.universe import make_context
from dialects import array, cim
from dialects.network import Network
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.schedule_arrays.scheduled import take_apart

CHIP = (
    '"small", rows = 4, columns = 4, cell_bits = 2, dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "offset", '
    'settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0, transfer_ns = 5.0, digital_units = 1, add_ns = 2.0, '
    "vector_width = 4, compare_ns = 1.0, function_ns = 1.0, normalize_ns = 1.0, attention_units = 1, "
    "attention_macs_per_ns = 1.0"
)
TEXT = f"""
builtin.module attributes {{hardware.chip = #hardware.chip<{CHIP}>}} {{
  cim.weight @w = dense<127> : tensor<4x4xi8>
  cim.weight @swap = dense<[1, 0, 3, 2]> : tensor<4xi64>
  func.func @main(%x: tensor<?x4xui8>, %go: tensor<i1>) -> (tensor<?x4xui8>, tensor<4xi32>, tensor<?x4xi32>) {{
    %alone = cim.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
    %shared = cim.constant dense<3> : tensor<ui8>
    %a = cim.digital "Max"(%x, %shared) : (tensor<?x4xui8>, tensor<ui8>) -> tensor<?x4xui8>
    %p = cim.permute %a, @swap : tensor<?x4xui8> -> tensor<?x4xui8>
    %one = array.multiply %p by @w {{
      tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
    }} : tensor<?x4xui8> -> tensor<?x4xi32>
    %two = array.multiply %a by @w {{
      tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
    }} : tensor<?x4xui8> -> tensor<?x4xi32>
    %sum = cim.digital "Add"(%one, %two) : (tensor<?x4xi32>, tensor<?x4xi32>) -> tensor<?x4xi32>
    %choice = cim.digital "If"(%go) bodies ["then_branch", "else_branch"] {{
      %own = cim.constant dense<2> : tensor<i32>
      %more = cim.digital "Mul"(%sum, %own) : (tensor<?x4xi32>, tensor<i32>) -> tensor<?x4xi32>
      cim.yield %more : tensor<?x4xi32>
    }} {{
      cim.yield %two : tensor<?x4xi32>
    }} : (tensor<i1>) -> tensor<?x4xi32>
    %bytes = cim.digital "Cast"(%choice) with {{to = 2 : i64}} : (tensor<?x4xi32>) -> tensor<?x4xui8>
    %y = cim.digital "Min"(%bytes, %shared) : (tensor<?x4xui8>, tensor<ui8>) -> tensor<?x4xui8>
    func.return %y, %alone, %two : tensor<?x4xui8>, tensor<4xi32>, tensor<?x4xi32>
  }}
}}
"""


@pytest.fixture
def network() -> Network:
    context = make_context()
    return Network.of(context, Parser(context, TEXT).parse_module())


def schedule(network: Network, lossy: int = 0) -> str:
    """The text of the network after it was scheduled (again)."""
    context = make_context(network.store)
    ScheduleArraysPass(lossy).apply(context, network.module)
    check(network.module, ScheduleArraysPass.name)
    return text_of(network.module)


def times(module: ModuleOp) -> list[tuple[str, int, int]]:
    """Name, start and end of all that is scheduled, in order."""
    scheduled = [op for op in module.walk() if isinstance(op, array.KernelOp | array.StageOp | array.PermuteOp)]
    starts = [(op.name, op.start_ps.value.data, op.duration_ps.value.data) for op in scheduled]
    return [(name, start, start + duration) for name, start, duration in starts]


def test_each_begins_when_what_it_reads_is_there(network: Network) -> None:
    """The stage with the vector that needs no permutation; the last kernel after it, for it reads both products."""
    schedule(network)
    names, starts, ends = zip(*times(network.module))
    assert names == ("array.kernel", "array.permute", "array.stage", "array.kernel")
    kernel, permutation, stage, _ = ends
    assert starts == (0, kernel, kernel, stage)
    assert kernel < permutation < stage


def test_kernels_have_what_they_alone_read(network: Network) -> None:
    schedule(network)
    first, second = (op for op in network.body if isinstance(op, array.KernelOp))
    assert [op.op_type.data for op in first.operators] == ["Max"]
    assert [op.op_type.data for op in second.operators] == ["Add", "If", "Cast", "Min"]
    outside = [op.results[0].name_hint for op in network.body if isinstance(op, cim.ConstantOp)]
    assert outside == ["alone", "shared"]
    assert [value.name_hint for value in first.yielded] == ["alone", "a"]


def test_the_stage_moves_each_vector_once(network: Network) -> None:
    schedule(network)
    (stage,) = (op for op in network.body if isinstance(op, array.StageOp))
    ins, outs = (
        [op for op in stage.body.block.ops if isinstance(op, array.TransferOp) and op.is_inward == inward]
        for inward in (True, False)
    )
    assert [op.x.name_hint for op in ins] == ["p", "a"]
    assert [op.x.name_hint for op in outs] == ["one", "two"]
    assert min(op.start_ps.value.data for op in ins) == 0
    ends = {op.start_ps.value.data + op.duration_ps.value.data for op in outs}
    assert max(ends) == stage.duration_ps.value.data


def test_taken_apart_it_is_a_network_without_times(network: Network) -> None:
    before = [op.name for op in network.module.walk()]
    schedule(network)
    take_apart(network)
    network.module.verify()
    after = [op.name for op in network.module.walk()]
    assert sorted(after) == sorted(before)
    multiplies = [op for op in network.module.walk() if isinstance(op, array.MultiplyOp)]
    assert [(op.groups, op.adds) for op in multiplies] == [(None, None)] * 2
    assert text_of(network.module).count("_ps") == 0


def test_a_second_schedule_is_the_first(network: Network) -> None:
    once = schedule(network)
    assert schedule(network) == once


def test_a_second_schedule_has_its_own_options(network: Network) -> None:
    once = schedule(network)
    clipped = schedule(network, lossy=3)
    assert clipped != once
    assert schedule(network) == once
