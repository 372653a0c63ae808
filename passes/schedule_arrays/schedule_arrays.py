"""The network becomes kernels, stages and permutations; all of them, and what is inside, get their times."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from dialects.array import WORK, ControlOp, MultiplyOp
from dialects.attributes.tables import Table
from dialects.errors import UserError
from dialects.hardware import chip_of
from dialects.locations import node_name
from dialects.network import Network
from passes.analysis.places import distinct_places
from passes.analysis.stages.activations import Occupancy
from passes.analysis.timing import LONGEST_PS
from passes.rewriting.chip_times import resources_of
from passes.rewriting.multiplications import tiled_multiplies
from passes.rewriting.sweep import sweep
from passes.rules import SCHEDULABLE, require
from passes.schedule_arrays.analysis.block import schedule_block
from passes.schedule_arrays.analysis.choices import LOSSLESS, check_lossy
from passes.schedule_arrays.analysis.steps import Moved, Run, StageTimes, Times, TooLate
from passes.schedule_arrays.loads import load_ops
from passes.schedule_arrays.parts import Part, StepMaker, parts_of
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
        self.network = network
        chip = chip_of(network.module)
        self.resources, self.steps = resources_of(chip), StepMaker(network, chip, lossy)
        self.has_links = chip.links is not None
        self.occupancy = Occupancy(_programmed(tiled_multiplies(network.ops)))
        self.loads = load_ops(tiled_multiplies(network.ops), chip)
        self.loaded: int | None = None
        """The part of the weights that is in the arrays; at first that which the token before needed last."""
        self.kernels = self.stages = 0
        """How many kernels and stages there are already."""
        self.clock = 0
        """When all that was scheduled is done, in ps."""

    def run(self) -> None:
        self._block(self.network.block)

    def _block(self, block: Block) -> None:
        """Schedule the function's block, or a body, which begins now.

        Control flow begins when all before it is done, and all after it when it is done, so that it can happen again,
        and so do weights that come into the arrays; what is between is scheduled as a whole.
        """
        parts: list[Part] = []
        for part in parts_of(block):
            if isinstance(part.ops[0], ControlOp):
                self._flow(parts, block)
                parts = []
                self._load(part.load, block)
                self._control(part.ops[0], block)
                continue
            if part.load not in (None, self.loaded):
                self._flow(parts, block)
                parts = []
                self._load(part.load, block)
            parts.append(part)
        self._flow(parts, block)

    def _control(self, control: ControlOp, block: Block) -> None:
        """Schedule one iteration of each body, those of two branches after each other."""
        _move_to_end([control], block)
        start = self.clock
        for body in control.in_order:
            self._block(body)
        control.set_times(start, self.clock - start)

    def _load(self, load: int | None, block: Block) -> None:
        """Program the arrays with the weights that a stage or bodies of control flow need, if they are not there."""
        if load in (None, self.loaded):
            return
        assert block is self.network.block, "a load in a body of control flow"  # all of its weights come before it
        op = self.loads[load].at(self.clock)
        last = block.last_op
        assert last is not None
        block.insert_op_before(op, last)
        self.loaded = load
        self.clock += op.duration_ps.value.data

    def _flow(self, parts: Sequence[Part], block: Block) -> None:
        """Schedule parts of a block that have no control flow between them, from now on."""
        rows = self.steps.rows(parts)
        try:
            times = schedule_block(rows, self.occupancy, self.resources, self.clock)
        except TooLate as error:
            node = [op for part in parts for op in part.steps][error.step]
            raise UserError(
                f"node {node_name(node)!r} ends {error.end / 1e12:.1e} s after the start: expected at most "
                f"{LONGEST_PS / 1e12:.1e} s, its tensors are too large"
            ) from error
        remaining = iter(times)
        for part, row in zip(parts, rows):
            _move_to_end(part.ops, block)
            self._write(part, list(islice(remaining, len(row))), block)
        self.clock = max((time.end for time in times), default=self.clock)

    def _write(self, part: Part, times: Sequence[Times], block: Block) -> None:
        """Let a part be what is scheduled of it."""
        runs = [time for time in times if isinstance(time, Run)]
        stages = [time for time in times if isinstance(time, StageTimes)]
        moves = [time for time in times if isinstance(time, Moved)]
        for time in stages:
            stage_of(part.multiplies, self.stages, self.steps.groups, time, self.has_links)
            self.stages += 1
        for op, moved in zip(part.permutations, moves):
            schedule_permutation(op, moved, self.has_links)
        if not stages and not moves:
            self._kernel(part, runs, block)

    def _kernel(self, part: Part, runs: Sequence[Run], block: Block) -> None:
        """A kernel is from the start of its first operator to the end of its last one.

        What is known before a run is there from the beginning, and so is a kernel of nothing else.
        """
        working = [run for op, run in zip(part.operators, runs) if op not in self.steps.static]
        start = min((run.start for run in working), default=self.clock)
        end = max((run.end for run in working), default=start)
        rows = [(i, unit, run.start - start, run.duration) for i, run in enumerate(runs) for unit in run.units]
        work = np.array(rows, np.int64).reshape(-1, len(WORK))
        if kernel_of(part.ops, block, self.kernels, start, end - start, work) is not None:
            self.kernels += 1


def _move_to_end(ops: Sequence[Operation], block: Block) -> None:
    """Let operations of a block stand at its end, before what ends it."""
    last = block.last_op
    assert last is not None
    for op in ops:
        op.detach()
        block.insert_op_before(op, last)


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
