"""The network becomes kernels, stages and permutations; all of them, and what is inside, get their times."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from dialects.array import WORK, ControlOp, MultiplyOp, StageOp, TableAttr
from dialects.attributes.tables import Table
from dialects.cim import DigitalOp, PermuteOp
from dialects.element_types import element_type, i8
from dialects.errors import UserError
from dialects.hardware import chip_of
from dialects.locations import node_name
from dialects.network import Network
from passes.analysis.cost.digital import OperatorCost, Unit
from passes.analysis.places import distinct_places
from passes.analysis.row_groups import tile_groups
from passes.analysis.timing import LONGEST_PS, check_time
from passes.rewriting.chip_times import picoseconds
from passes.rewriting.levels import by_level, operation_levels, sources
from passes.rewriting.multiplications import tiled_multiplies
from passes.rewriting.sweep import sweep
from passes.rewriting.weight_tiles import fitting_tiles
from passes.rules import SCHEDULABLE, require
from passes.schedule_arrays.analysis.activations import Occupancy
from passes.schedule_arrays.analysis.choices import LOSSLESS, check_lossy
from passes.schedule_arrays.analysis.operators import Run, schedule_operators
from passes.schedule_arrays.analysis.stage import Product, schedule_stage
from passes.schedule_arrays.chip_times import resources_of
from passes.schedule_arrays.operator_costs import cost_of, static_operators
from passes.schedule_arrays.scheduled import begin_control, kernel_of, schedule_permutation, stage_of, take_apart


@dataclass(frozen=True)
class ScheduleArraysPass(ModulePass):
    """Order the network into kernels, stages and permutations, and say of each, and of all inside, when it runs.

    Before:
    ```mlir
    %acc = array.multiply %q by @w {
      tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
      tile 1: rows 4 to 5, columns 0 to 3 in array 1 at row 0, column 0
    } : tensor<?x6xui8> -> tensor<?x4xi32>
    %y = cim.digital "Cast"(%acc) with {to = 1 : i64} : (tensor<?x4xi32>) -> tensor<?x4xf32>
    ```
    After:
    ```mlir
    %acc = array.stage 0 start_ps 0 duration_ps 220000 {
      %q_1 = array.transfer %q "into arrays" start_ps 0 duration_ps 5000 : tensor<?x6xui8>
      %acc_1 = array.multiply %q_1 by @w {
        tile 0: rows 0 to 3, columns 0 to 3 in array 0 at row 0, column 0
        tile 1: rows 4 to 5, columns 0 to 3 in array 1 at row 0, column 0
        convert rows 0 to 3 of tile 0 to 4 bits at 5000 ps, sums up to 8
        convert rows 0 to 1 of tile 1 to 3 bits at 5000 ps, sums up to 4
        add columns 0 to 3 on unit 0 at 213000 ps
      } : tensor<?x6xui8> -> tensor<?x4xi32>
      %acc_2 = array.transfer %acc_1 "out of arrays" start_ps 215000 duration_ps 5000 : tensor<?x4xi32>
      array.yield %acc_2 : tensor<?x4xi32>
    } : tensor<?x4xi32>
    %y = array.kernel 0 start_ps 220000 duration_ps 2000 {
      %y_1 = cim.digital "Cast"(%acc) with {to = 1 : i64} : (tensor<?x4xi32>) -> tensor<?x4xf32>
      array.yield %y_1 : tensor<?x4xf32>
    } work {
      operator 0 on unit 0 at 0 ps for 2000 ps
    } : tensor<?x4xf32>
    ```
    A `cim.permute` becomes an `array.permute`, and an `If`, `Loop` or `Scan` with multiplications in its bodies an
    `array.control`, whose bodies are scheduled like the function, for one iteration. Row groups are as large, and ADC
    bits as few, as the actual cells allow without a conversion that could clip (docs/numerics.md). Row groups of one
    array start together where no sum is spoilt by it, otherwise one after the other. An earlier schedule is taken apart
    first. Needs places (`place-tiles`); changes no number unless it is `lossy`. Works on the network as a whole, for
    one clock runs through all of it.
    """

    name = "schedule-arrays"
    lossy: int = LOSSLESS
    """Convert all rows of a tile at once, to so many bits at most, which may clip; 0: lossless."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        chip = chip_of(op)
        check_lossy(self.lossy, chip.adc_bits, chip.chip_name)
        require(op, SCHEDULABLE, self.name)
        network = Network.of(ctx, op)
        take_apart(network)
        sweep(network)
        begin_control(network)
        _Scheduler(network, self.lossy).run()


class _Scheduler:
    def __init__(self, network: Network, lossy: int):
        self.network, self.lossy = network, lossy
        self.chip = chip_of(network.module)
        ops = network.ops
        self.resources = resources_of(self.chip)
        self.transfer_ps = picoseconds(self.chip.transfer_ns)
        self.occupancy = Occupancy(_programmed(tiled_multiplies(ops)))
        self.groups: dict[str, Table] = {}
        self.digital, self.static = self.chip.digital_costs(), static_operators(ops)
        self.kernels = self.stages = 0
        """How many kernels and stages there are already."""
        self.clock = 0
        """When all that was scheduled is done, in ps."""

    def run(self) -> None:
        self._block(self.network.block, 0)

    def _block(self, block: Block, begin: int) -> None:
        """Schedule the function's block, or a body, which begins at that time."""
        ops = list(block.ops)[:-1]
        for members in by_level(ops, operation_levels(ops)):
            self._level(members, block, begin)

    def _level(self, members: Sequence[Operation], block: Block, begin: int) -> None:
        """Move the operations of one level to the end of the block: digital ones, then the stage, then control flow.

        Digital operators that wait for equally many permutations are one kernel; the permutations after it run at once.
        """
        last = block.last_op
        assert last is not None
        for op in members:
            op.detach()
        multiplies = tiled_multiplies(members)
        others = [op for op in members if not isinstance(op, MultiplyOp | ControlOp)]
        turn = operation_levels(others, PermuteOp)
        for op in sorted(others, key=lambda other: (turn[other], isinstance(other, PermuteOp))):
            block.insert_op_before(op, last)
        for turned in by_level(others, turn):
            self._kernel([op for op in turned if not isinstance(op, PermuteOp)], block, begin)
            self._permute([op for op in turned if isinstance(op, PermuteOp)])
        if multiplies:
            block.insert_op_before(self._stage(multiplies), last)
        for op in members:
            if isinstance(op, ControlOp):
                block.insert_op_before(op, last)
                self._control(op)

    def _control(self, control: ControlOp) -> None:
        """Schedule one iteration of each body, those of two branches after each other."""
        start = self.clock
        for block in control.in_order:
            self._block(block, self.clock)
        control.set_times(start, self.clock - start)

    def _kernel(self, ops: Sequence[Operation], block: Block, begin: int) -> None:
        """A kernel starts when all before is done; constants alone are there from when the block begins on."""
        if not ops:
            return
        operators = [op for op in ops if isinstance(op, DigitalOp)]
        start, runs = self.clock if operators else begin, self._runs(operators)
        rows = [(i, unit, run.start - start, run.duration) for i, run in enumerate(runs) for unit in run.units]
        work = np.array([row for row in rows if row[-1]], np.int64).reshape(-1, len(WORK))
        end = max((run.end for run in runs), default=start)
        if kernel_of(ops, block, self.kernels, start, end - start, work) is not None:
            self.kernels += 1
        self._advance(max(self.clock, end))

    def _runs(self, operators: Sequence[DigitalOp]) -> list[Run]:
        """When each operator of a kernel runs; nothing where the chip gives digital operators no times."""
        if self.digital is None:
            return []
        costs, free = self.digital, OperatorCost(Unit.NONE)
        number: dict[Operation, int] = {op: i for i, op in enumerate(operators)}
        waiting = [
            (free if op in self.static else cost_of(op, costs), [number[o] for o in sources(op) if o in number])
            for op in operators
        ]
        runs = schedule_operators(waiting, costs.digital_units, costs.attention_units, self.clock)
        for op, run in zip(operators, runs):
            if run.end > LONGEST_PS:
                raise UserError(
                    f"node {node_name(op)!r} ends {run.end / 1e12:.1e} s after the start: expected at most "
                    f"{LONGEST_PS / 1e12:.1e} s, its tensors are too large"
                )
        return runs

    def _advance(self, clock: int) -> None:
        """What was scheduled is done at `clock`; UserError if that is too late."""
        check_time(clock)
        self.clock = clock

    def _permute(self, ops: Sequence[PermuteOp]) -> None:
        """Permutations move vectors once more, all of them at the same time."""
        for op in ops:
            schedule_permutation(op, self.clock, self.transfer_ps)
        if ops:
            self._advance(self.clock + self.transfer_ps)

    def _stage(self, multiplies: list[MultiplyOp]) -> StageOp:
        sources: dict[SSAValue, int] = {}
        products = [self._product(m, sources.setdefault(m.x, len(sources))) for m in multiplies]
        schedule = schedule_stage(products, self.occupancy, self.resources)
        for multiply, product, starts, adds in zip(multiplies, products, schedule.starts, schedule.adds):
            multiply.groups = TableAttr.of(np.column_stack([product.groups, starts + self.transfer_ps]))
            if len(adds):
                multiply.adds = TableAttr.of(product.additions(adds + np.array([0, 0, 0, self.transfer_ps])))
        duration = schedule.duration + 2 * self.transfer_ps
        stage = stage_of(multiplies, self.stages, self.clock, duration, self.transfer_ps)
        self.stages += 1
        self._advance(self.clock + duration)
        return stage

    def _product(self, multiply: MultiplyOp, source: int) -> Product:
        assert multiply.places is not None
        symbol = multiply.symbol
        if symbol not in self.groups:
            self.groups[symbol] = self._row_groups(multiply)
        planes = self.chip.planes(element_type(multiply.x.type) == i8, multiply.bits_of_inputs)
        copy = np.zeros(0, np.int64) if multiply.copies is None else multiply.copy_of_tiles
        return Product(multiply.tiles.array, multiply.places.array, self.groups[symbol], source, planes, copy)

    def _row_groups(self, multiply: MultiplyOp) -> Table:
        chip = self.chip
        tiles, cells = fitting_tiles(multiply, self.network, chip), multiply.cells(chip)
        groups = tile_groups(tiles, chip.cell_bits, cells, chip.dac_bits, chip.adc_bits, self.lossy)
        if groups is None:
            raise UserError(
                f"node {node_name(multiply)!r}: a single row can exceed an ADC of {chip.adc_bits} bits "
                f"(cells of {chip.cell_bits} bits, inputs {chip.dac_bits} bits at a time): choose a chip with more"
            )
        return groups


def _programmed(multiplies: Sequence[MultiplyOp]) -> Table:
    """Which cells hold a weight: (array, row, column, rows, columns) of each tile of each weight."""
    users: dict[str, MultiplyOp] = {}
    for multiply in multiplies:
        users.setdefault(multiply.symbol, multiply)
    tables = [np.zeros((0, 5), np.int64)]
    for user in users.values():
        assert user.places is not None
        tables.append(np.concatenate([user.places.array, user.tiles.array[:, 2:]], axis=1))
    table = np.concatenate(tables)
    return table[distinct_places(table[:, :3], table[:, 3:])]
