"""How long a program's multiplications keep the chip busy, for one vector, by its own schedule."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.timing import activations_of
from cimc.report.cost.array_cost import tiles_of_records
from passes.analysis.cost.intervals import newly_covered


@dataclass(frozen=True)
class ProgramTime:
    """Times [ns] of multiplications in arrays and what belongs to them, for one vector."""

    parameter_ns: float
    """The stages, one after the other, and the permutations between them."""
    array_busy_ns: float
    """The array that is used for longest, over all stages."""
    addition_busy_ns: float
    """Additions of partial sums, as if all digital units worked all the time."""


def program_time(program: Program) -> ProgramTime | None:
    """The times of a program; None if it says nothing about time."""
    timing = program.timing
    if timing is None:
        return None
    records = program.instructions
    activations = activations_of(program, timing)
    busy = np.bincount(activations.array, activations.duration, len(program.arrays))
    additions = timing.add_ps * np.count_nonzero(records["op"] == Opcode.ADD) / max(1, timing.digital_units)
    stages = sum(stage.duration_ps for stage in program.stages)
    return ProgramTime(
        parameter_ns=(stages + _permuting_ps(program, timing)) / 1000,
        array_busy_ns=float(busy.max(initial=0.0)) / 1000,
        addition_busy_ns=additions / 1000,
    )


def tile_times_ns(program: Program) -> NDArray[np.float64] | None:
    """How long each tile is at work, over all multiplications that use it; None if the program says nothing about time.

    Tiles that an activation shares are all at work for as long as it takes.
    """
    if program.timing is None:
        return None
    activations = activations_of(program, program.timing)
    tile = tiles_of_records(program, program.instructions[activations.records])
    return np.bincount(tile, activations.duration[activations.of_record], len(program.tiles)) / 1000


def _permuting_ps(program: Program, timing: Timing) -> int:
    """The time in which permutations are executed; those that overlap count once."""
    permutes = program.instructions[program.instructions["op"] == Opcode.PERMUTE]
    start = permutes["start"].astype(np.int64)
    return int(newly_covered(np.zeros_like(start), start, np.full_like(start, timing.transfer_ps)).sum())
