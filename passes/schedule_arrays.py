"""Multiplications are put into stages; every tile gets row groups, ADC bits and start times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region
from xdsl.passes import ModulePass

from dialects.array import MultiplyOp, StageOp, TableAttr, YieldOp
from dialects.element_types import Array, element_type, i8
from dialects.errors import UserError
from dialects.hardware import ChipAttr, chip_of
from dialects.locations import location, node_name
from dialects.network import main_block, weight_named, weights_of
from dialects.semantics.weight_values import StoredMatrix, stored_matrix
from dialects.weights import store_of
from passes.analysis.cells import cells_of
from passes.analysis.row_groups import RowGroup, lossless_groups
from passes.analysis.timing import TileTiming
from passes.rewriting.levels import operation_levels


@dataclass(frozen=True)
class ScheduleArraysPass(ModulePass):
    """Order the network into stages, and say of each tile when it runs and how it is converted.

    Before: `%a = array.multiply %q, @w tiles <...> at <...>` somewhere in the function.
    After: `%a = array.stage 0 duration_ps 42000 { %0 = array.multiply ... groups <[[0, 0, 4, 4, 0, 12, 0]]> ... }`, the
    digital operators between two stages standing together. Row groups are as large, and ADC bits as few, as the actual
    cells allow without a conversion that could clip (DESIGN's lossless rule). Tiles in one array run one after the
    other. Needs places (`place-tiles`); changes no number.
    """

    name = "schedule-arrays"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        chip, weights, store = chip_of(op), weights_of(op), store_of(ctx)
        ops = list(main_block(op).ops)[:-1]
        grouped: dict[str, list[list[RowGroup]]] = {}
        for multiply in _multiplies(ops):
            symbol = multiply.weight.root_reference.data
            if multiply.places is None:
                raise UserError(f"node {node_name(multiply)!r} has no places for its tiles: run place-tiles first")
            if symbol not in grouped:
                grouped[symbol] = _row_groups(multiply, stored_matrix(weight_named(weights, symbol), store), chip)
        level = operation_levels(ops)
        for number in range(1 + max(level.values(), default=0)):
            members = [o for o in ops if level[o] == number]
            _rebuild(op, members, number, chip, grouped)


def _multiplies(ops: Sequence[Operation]) -> Iterator[MultiplyOp]:
    return (op for op in ops if isinstance(op, MultiplyOp))


def _row_groups(multiply: MultiplyOp, weight: StoredMatrix, chip: ChipAttr) -> list[list[RowGroup]]:
    """The row groups of each tile."""
    found: list[list[RowGroup]] = []
    for k, n, rows, columns in multiply.tiles.array.tolist():
        cells = cells_of(np.ascontiguousarray(weight.tile(k, n, rows, columns)), chip.cell_bits, chip.encoding)
        groups = lossless_groups(cells, chip.dac_bits, chip.adc_bits)
        if groups is None:
            raise UserError(
                f"node {node_name(multiply)!r}: a single row can exceed an ADC of {chip.adc_bits} bits "
                f"(cells of {chip.cell_bits} bits, inputs {chip.dac_bits} bits at a time): choose a chip with more"
            )
        found.append(groups)
    return found


def _rebuild(
    module: ModuleOp,
    members: Sequence[Operation],
    number: int,
    chip: ChipAttr,
    grouped: dict[str, list[list[RowGroup]]],
) -> None:
    """Move the operations of one level to the end of the function: digital ones, then the stage."""
    block = main_block(module)
    last = block.last_op
    assert last is not None
    for op in members:
        op.detach()
        if not isinstance(op, MultiplyOp):
            block.insert_op_before(op, last)
    multiplies = list(_multiplies(members))
    if multiplies:
        block.insert_op_before(_stage(multiplies, number, chip, grouped), last)


def _stage(
    multiplies: list[MultiplyOp], number: int, chip: ChipAttr, grouped: dict[str, list[list[RowGroup]]]
) -> StageOp:
    clock: dict[int, int] = {}
    for multiply in multiplies:
        groups = grouped[multiply.weight.root_reference.data]
        multiply.groups = TableAttr.of(_timed(multiply, groups, chip, clock))
    duration = max(clock.values()) + 2 * round(1000 * chip.transfer_ns)
    body = Block()
    stage = StageOp(number, duration, Region(body), [m.result.type for m in multiplies])
    stage.location = location(f"stage {number}")
    for multiply, outer in zip(multiplies, stage.results):
        outer.name_hint = multiply.result.name_hint
        multiply.result.replace_all_uses_with(outer)
        body.add_op(multiply)
    end = YieldOp([m.result for m in multiplies])
    end.location = stage.location
    body.add_op(end)
    return stage


def _timed(multiply: MultiplyOp, groups: list[list[RowGroup]], chip: ChipAttr, clock: dict[int, int]) -> Array:
    """The rows of the `groups` table; `clock` tells when each array is free, in ps from the start of the stage."""
    assert multiply.places is not None
    timing = TileTiming(
        planes=chip.planes(signed=element_type(multiply.x.type) == i8),
        settle_ns=chip.settle_ns,
        adcs=chip.adcs,
        adc_ns=chip.adc_ns,
    )
    rows: list[tuple[int, ...]] = []
    for tile, (table, place) in enumerate(zip(multiply.tiles.array.tolist(), multiply.places.array.tolist())):
        for group in groups[tile]:
            start = clock.get(place[0], 0)
            rows.append((tile, group.first, group.rows, group.adc_bits, 0, group.bound, start))
            clock[place[0]] = start + timing.picoseconds(table[3], group.adc_bits)
    return np.array(rows, np.int64)
