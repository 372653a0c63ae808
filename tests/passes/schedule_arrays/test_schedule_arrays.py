"""From integers to row groups on any chip: not a bit changes, and every conversion is lossless and has its time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.emitter.emit import emit
from cimc.pass_driver.pass_runner import PassRunner
from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.chip.formats import CellFormat
from dialects.cim import weight_op
from dialects.errors import UserError
from dialects.hardware import MODULE_KEY, ChipAttr, chip_of
from dialects.network import Network, main_block, operations
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.analysis.cells import cells_of
from passes.place_tiles.place_tiles import PlaceTilesPass
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass

Array = NDArray[Any]

digital_keys = st.fixed_dictionaries(
    {
        "vector_width": st.integers(1, 7),
        "compare_ns": st.just(1),
        "function_ns": st.just(4),
        "normalize_ns": st.just(10),
        "attention_units": st.integers(1, 2),
        "attention_macs_per_ns": st.just(2),
    }
)
array_keys = st.fixed_dictionaries(
    {
        "name": st.just("any"),
        "rows": st.integers(1, 6),
        "columns": st.integers(2, 6),
        "cell_bits": st.sampled_from([1, 2, 4, 8]),
        "dac_bits": st.sampled_from([1, 2, 4, 8]),
        "adc_bits": st.integers(1, 12),
        "adcs": st.integers(1, 2),
        "encoding": st.sampled_from(["offset", "twos-complement", "differential"]),
        "settle_ns": st.sampled_from([0, 10]),
        "adc_kind": st.sampled_from(["sar", "ramp", "flash"]),
        "adc_step_ns": st.sampled_from([0, 0.0001, 1]),
        "transfer_ns": st.sampled_from([0, 5]),
        "digital_units": st.integers(1, 2),
        "add_ns": st.sampled_from([0, 2]),
        "buffers": st.integers(1, 2),
    }
)
link_keys = st.fixed_dictionaries(
    {"links": st.integers(1, 2)}, optional={"link_bits_per_ns": st.sampled_from([0.3, 8, 1000])}
)


@st.composite
def chips(draw: st.DrawFn) -> ChipAttr:
    """With the numbers that the time of digital operators needs, or without them; with some links, or any number."""
    digital = draw(digital_keys) if draw(st.booleans()) else {}
    links = draw(link_keys) if draw(st.booleans()) else {}
    return ChipAttr.from_dict({**draw(array_keys), **digital, **links})


weights = hnp.arrays(np.int8, st.tuples(st.integers(1, 8), st.integers(1, 8)))


def network(w: Array, signed: bool, chip: ChipAttr) -> tuple[ModuleOp, Context]:
    """Two multiplications by one weight that do not depend on each other, and one by its transposed that does."""
    store = WeightStore()
    context = make_context(store)
    (rows, columns), kind = w.shape, "i8" if signed else "ui8"
    number = 3 if signed else 2
    module = Parser(
        context,
        f"""
func.func @main(%x: tensor<?x{rows}x{kind}>, %z: tensor<?x{rows}x{kind}>) -> (tensor<?x{rows}xi32>) {{
  %a = cim.matmul %x, @w : tensor<?x{rows}x{kind}> -> tensor<?x{columns}xi32>
  %b = cim.matmul %z, @w : tensor<?x{rows}x{kind}> -> tensor<?x{columns}xi32>
  %sum = cim.digital "Add"(%a, %b) : (tensor<?x{columns}xi32>, tensor<?x{columns}xi32>) -> tensor<?x{columns}xi32>
  %q = cim.digital "Cast"(%sum) with {{to = {number} : i64}} : (tensor<?x{columns}xi32>) -> tensor<?x{columns}x{kind}>
  %y = cim.matmul %q, @v : tensor<?x{columns}x{kind}> -> tensor<?x{rows}xi32>
  func.return %y : tensor<?x{rows}xi32>
}}""",
    ).parse_module()
    for name, array in (("w", w), ("v", np.ascontiguousarray(w.T))):
        Network(module, store).add_weight(weight_op(name, array, store))
    module.attributes[MODULE_KEY] = chip
    return module, context


def run(module: ModuleOp, context: Context, w: Array, signed: bool) -> list[Any]:
    generator = np.random.default_rng(0)
    limits = np.iinfo(np.int8 if signed else np.uint8)
    x, z = generator.integers(limits.min, limits.max, (2, 3, w.shape[0]), endpoint=True).astype(limits.dtype)
    return [
        a.tolist() for a in run_graph(network_model(Network.of(context, module)), {"input0": x, "input1": z}).values()
    ]


def a_row_is_too_much(w: Array, chip: ChipAttr) -> bool:
    largest = ((1 << chip.dac_bits) - 1) * int(cells_of(w, chip.cell_bits, CellFormat(chip.default_format)).max())
    return largest >= 1 << chip.adc_bits


@settings(max_examples=60, deadline=None)
@given(weights, st.booleans(), chips())
def test_the_way_down_changes_no_bit(w: Array, signed: bool, chip: ChipAttr):
    module, context = network(w, signed, chip)
    expected = run(module, context, w, signed)
    passes = [TileBlocksPass(), PlaceTilesPass(), ScheduleArraysPass()]
    if a_row_is_too_much(w, chip):
        with pytest.raises(UserError, match="a single row can exceed an ADC"):
            PassRunner(context).run(module, passes)
        return
    PassRunner(context).run(module, passes)
    assert run(module, context, w, signed) == expected
    check_groups(module)
    emit(Network.of(context, module), mapping="spread")  # checks the schedule
    placed = {op.symbol: op.tiles.array for op in module.walk() if isinstance(op, MultiplyOp)}
    assert sum(int((tiles[:, 2] * tiles[:, 3]).sum()) for tiles in placed.values()) == 2 * w.size


def check_groups(module: ModuleOp) -> None:
    """Groups cover the rows of each tile once, and bounds are those of the cells as they lie in the array."""
    chip = chip_of(module)
    stored = {"w": 0, "v": 0}
    for op in operations(main_block(module)):
        if not isinstance(op, MultiplyOp):
            continue
        assert op.groups is not None
        assert op.places is not None
        stored[op.symbol] += 1
        covered = [np.zeros(rows, int) for _, _, rows, _ in op.tiles.array.tolist()]
        for tile, first, rows, bits, shift, bound, start in op.groups.array.tolist():
            covered[tile][first : first + rows] += 1
            assert 1 <= bits <= chip.adc_bits
            assert (shift, bound < 1 << bits, start >= 0) == (0, True, True)
        assert all((count == 1).all() for count in covered)
    assert stored == {"w": 2, "v": 1}


def scheduled(text: str, weights: dict[str, Array], **keys: object) -> Program:
    """The program of a network on a chip of 4x4 whose conversions take a nanosecond a bit."""
    store = WeightStore()
    context = make_context(store)
    module = Parser(context, text).parse_module()
    for name, array in weights.items():
        Network(module, store).add_weight(weight_op(name, array, store))
    module.attributes[MODULE_KEY] = ChipAttr.from_dict(
        {
            "name": "small", "rows": 4, "columns": 4, "cell_bits": 2, "dac_bits": 1, "adc_bits": 8, "adcs": 1,
            "encoding": "offset", "settle_ns": 10, "adc_kind": "sar", "adc_step_ns": 1, "transfer_ns": 5,
            "digital_units": 1, "add_ns": 2, **keys,
        }
    )  # fmt: skip
    PassRunner(context).run(module, [TileBlocksPass(), PlaceTilesPass(), ScheduleArraysPass()])
    return emit(Network(module, store), mapping="spread")


TWICE = """
func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x4xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
  %a = cim.matmul %x, @w : tensor<?x4xui8> -> tensor<?x4xi32>
  %b = cim.matmul %z, @w : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return %a, %b : tensor<?x4xi32>, tensor<?x4xi32>
}"""
ONES = np.ones((4, 4), np.int8)


def test_conversions_take_some_time() -> None:
    """1 ps at least, however fast they are: activations that begin together would be one."""
    program = scheduled(TWICE, {"w": ONES}, settle_ns=0, adc_step_ns=0)
    multiplies = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
    assert multiplies["start"].tolist() == [5000, 5000 + 8 * 4]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"settle_ns": 2e9}, "settle_ns = 2000000000.0: expected a number from 0 to 1000000000"),
        ({"transfer_ns": 1e300}, "transfer_ns = 1e+300: expected a number from 0 to 1000000000"),
        (
            {"adc_kind": "ramp", "adc_step_ns": 1e9},
            "a step of 2e+09 ns: expected at most a second, correct the times of the chip",
        ),
    ],
)
def test_times_that_no_chip_has(keys: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as error:
        scheduled(TWICE, {"w": ONES}, **keys)
    assert str(error.value) == message


def test_constants_are_there_from_the_start() -> None:
    """A permuted constant does not wait for the permutation before it."""
    text = """
func.func @main(%x: tensor<?x4xui8>) -> (tensor<?x4xi32>, tensor<2x4xui8>) {
  %a = cim.permute %x, @swap : tensor<?x4xui8> -> tensor<?x4xui8>
  %c = cim.constant dense<3> : tensor<2x4xui8>
  %d = cim.permute %c, @swap : tensor<2x4xui8> -> tensor<2x4xui8>
  %b = cim.matmul %a, @w : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return %b, %d : tensor<?x4xi32>, tensor<2x4xui8>
}"""
    program = scheduled(text, {"w": ONES, "swap": np.array([1, 0, 3, 2])})
    permutes = program.instructions[program.instructions["op"] == Opcode.PERMUTE]
    assert permutes["start"].tolist() == [0, 0]


def test_permutations_after_the_same_kernels_run_at_once() -> None:
    """Written one after the other, as for Q and K: both operators are one kernel, both permutations start after it."""
    text = """
func.func @main(%x: tensor<?x4xui8>, %z: tensor<?x4xui8>) -> (tensor<?x4xi32>, tensor<?x4xi32>) {
  %a = cim.digital "Clip"(%x) : (tensor<?x4xui8>) -> tensor<?x4xui8>
  %b = cim.permute %a, @swap : tensor<?x4xui8> -> tensor<?x4xui8>
  %c = cim.digital "Clip"(%z) : (tensor<?x4xui8>) -> tensor<?x4xui8>
  %d = cim.permute %c, @swap : tensor<?x4xui8> -> tensor<?x4xui8>
  %e = cim.digital "Clip"(%b) : (tensor<?x4xui8>) -> tensor<?x4xui8>
  %f = cim.matmul %e, @w : tensor<?x4xui8> -> tensor<?x4xi32>
  %g = cim.matmul %d, @w : tensor<?x4xui8> -> tensor<?x4xi32>
  func.return %f, %g : tensor<?x4xi32>, tensor<?x4xi32>
}"""
    digital = {"compare_ns": 1, "function_ns": 1, "normalize_ns": 1, "attention_units": 1, "attention_macs_per_ns": 1}
    program = scheduled(text, {"w": ONES, "swap": np.array([1, 0, 3, 2])}, vector_width=4, digital_units=2, **digital)
    found = [(Opcode(op), start) for op, start in program.instructions[["op", "start"]][:4].tolist()]
    both = (Opcode.PERMUTE, 1000)
    assert found == [(Opcode.KERNEL, 0), both, both, (Opcode.KERNEL, 6000)]
    into = program.instructions[program.instructions["op"] == Opcode.TRANSFER][:2]
    assert into["start"].tolist() == [7000, 6000]


def test_a_network_without_multiplications() -> None:
    text = """
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = cim.digital "Erf"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}"""
    program = scheduled(text, {})
    assert program.instructions["op"].tolist() == [Opcode.KERNEL]
    assert list(program.stages) == []


def test_times_of_the_chip_are_in_the_program() -> None:
    program = scheduled(TWICE, {"w": ONES}, settle_ns=0.5, adc_kind="ramp", adc_bits=4, transfer_ns=7, add_ns=1.25)
    assert program.timing == Timing(500, (2000, 4000, 8000, 16000), 7000, 1250, 1, 0, vector_width=4)
    program = scheduled(TWICE, {"w": ONES}, buffers=2, links=3, link_bits_per_ns=0.5)
    assert program.timing is not None
    timing = program.timing
    assert (timing.buffers, timing.links, timing.link_bits_per_ns) == (2, 3, 0.5)
    assert timing.transfer_ps == 5000
    transfers = program.instructions[program.instructions["op"] == Opcode.TRANSFER]
    assert transfers[["array", "start"]].tolist()[:2] == [(0, 0), (1, 0)]
    digital = {"compare_ns": 1, "function_ns": 1, "normalize_ns": 1, "attention_units": 3, "attention_macs_per_ns": 1}
    program = scheduled(TWICE, {"w": ONES}, **digital, vector_width=9, digital_units=2)
    assert program.timing == Timing(10000, tuple(range(1000, 9000, 1000)), 5000, 2000, 2, 3, vector_width=9)


def test_networks_that_take_too_long() -> None:
    """Times are whole picoseconds in 64 bits."""
    text = """
func.func @main(%x: tensor<2147483647x2147483647x2147483647xf32>) -> tensor<2147483647x2147483647x2147483647xf32> {
  %y = cim.digital "Erf"(%x) : (tensor<2147483647x2147483647x2147483647xf32>) ->
    tensor<2147483647x2147483647x2147483647xf32>
  func.return %y : tensor<2147483647x2147483647x2147483647xf32>
}"""
    digital = {"compare_ns": 1, "function_ns": 1, "normalize_ns": 1, "attention_units": 1, "attention_macs_per_ns": 1}
    with pytest.raises(UserError, match=r"ends 2\.5e\+18 s after the start: expected at most 1\.2e\+06 s"):
        scheduled(text, {}, **digital, vector_width=4, digital_units=1)
