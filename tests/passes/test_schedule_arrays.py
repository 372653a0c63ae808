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
from cimc.pass_runner import PassRunner
from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.cim import weight_op
from dialects.errors import UserError
from dialects.hardware import MODULE_KEY, ChipAttr, chip_of
from dialects.network import add_weight, main_block, operations
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore, store_of
from passes.analysis.cells import cells_of
from passes.place_tiles import PlaceTilesPass
from passes.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass

Array = NDArray[Any]

chips = st.fixed_dictionaries(
    {
        "name": st.just("any"),
        "rows": st.integers(1, 6),
        "columns": st.integers(2, 6),
        "cell_bits": st.sampled_from([1, 2, 4, 8]),
        "dac_bits": st.sampled_from([1, 2, 4, 8]),
        "adc_bits": st.integers(1, 12),
        "adcs": st.integers(1, 2),
        "encoding": st.sampled_from(["offset", "twos-complement", "differential"]),
        "settle_ns": st.just(10),
        "adc_kind": st.sampled_from(["sar", "ramp", "flash"]),
        "adc_step_ns": st.just(1),
        "transfer_ns": st.just(5),
        "digital_units": st.integers(1, 2),
        "add_ns": st.just(2),
    }
).map(ChipAttr.from_dict)
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
        add_weight(module, weight_op(name, array, store))
    module.attributes[MODULE_KEY] = chip
    return module, context


def run(module: ModuleOp, context: Context, w: Array, signed: bool) -> list[Any]:
    generator = np.random.default_rng(0)
    limits = np.iinfo(np.int8 if signed else np.uint8)
    x, z = generator.integers(limits.min, limits.max, (2, 3, w.shape[0]), endpoint=True).astype(limits.dtype)
    return [
        a.tolist() for a in run_graph(network_model(module, store_of(context)), {"input0": x, "input1": z}).values()
    ]


def a_row_is_too_much(w: Array, chip: ChipAttr) -> bool:
    largest = ((1 << chip.dac_bits) - 1) * int(cells_of(w, chip.cell_bits, chip.encoding).max())
    return largest >= 1 << chip.adc_bits


@settings(max_examples=60, deadline=None)
@given(weights, st.booleans(), chips)
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
    emit(module, store_of(context), mapping="spread")  # checks the schedule
    placed = {op.weight.root_reference.data: op.tiles.array for op in module.walk() if isinstance(op, MultiplyOp)}
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
        stored[op.weight.root_reference.data] += 1
        covered = [np.zeros(rows, int) for _, _, rows, _ in op.tiles.array.tolist()]
        for tile, first, rows, bits, shift, bound, start in op.groups.array.tolist():
            covered[tile][first : first + rows] += 1
            assert 1 <= bits <= chip.adc_bits
            assert (shift, bound < 1 << bits, start >= 0) == (0, True, True)
        assert all((count == 1).all() for count in covered)
    assert stored == {"w": 2, "v": 1}
