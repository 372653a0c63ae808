"""How long a program's multiplications keep the chip busy, by its own schedule: for a token, or for an inference."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.metadata import Stage, Timing
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.timing import Activations, activations_of
from cimc.report.cost.array_cost import tiles_of_records
from cimc.report.cost.vectors import ONE, Vectors
from passes.analysis.cost.intervals import newly_covered

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class ProgramTime:
    """Times [ns] of multiplications in arrays and what belongs to them."""

    parameter_ns: float
    """The stages, one after the other, and the permutations between them."""
    array_busy_ns: float
    """The array that is used for longest, over all stages."""
    addition_busy_ns: float
    """Additions of partial sums, as if all digital units worked all the time."""
    stages_ns: Mapping[int, float]
    """Each stage, by its number."""


def program_time(program: Program, vectors: Vectors = ONE) -> ProgramTime | None:
    """The times of a program; None if it says nothing about time.

    A stage lasts for its duration with the first vector of each iteration; the others follow as soon as the busiest
    of its arrays and the digital units allow. What takes no vector is left out.
    """
    timing = program.timing
    if timing is None:
        return None
    clock = _Clock(program, timing, vectors)
    stages = {stage.number: clock.stage_ps(stage) for stage in program.stages}
    busy = np.bincount(clock.activations.array, clock.activations.duration * clock.taken, len(program.arrays))
    additions = timing.add_ps * int(clock.additions.sum()) / max(1, timing.digital_units)
    return ProgramTime(
        parameter_ns=(sum(stages.values()) + _permuting_ps(program, timing)) / 1000,
        array_busy_ns=float(busy.max(initial=0.0)) / 1000,
        addition_busy_ns=additions / 1000,
        stages_ns={number: duration / 1000 for number, duration in stages.items()},
    )


class _Clock:
    """The activations and additions of a program, each with the vectors that it is for."""

    def __init__(self, program: Program, timing: Timing, vectors: Vectors) -> None:
        self.program, self.timing, self.vectors = program, timing, vectors
        self.activations: Activations = activations_of(program, timing)
        records = program.instructions
        self.taken = np.zeros(len(self.activations.array), np.int64)
        """What is driven together is driven as often as one of it needs."""
        np.maximum.at(self.taken, self.activations.of_record, vectors.taken(records["y"][self.activations.records]))
        self.adds = records[records["op"] == Opcode.ADD]
        self.additions = vectors.taken(self.adds["y"])

    def stage_ps(self, stage: Stage) -> float:
        """How long a stage takes, in all iterations of the body that it is in."""
        own, adds = self.activations.stage == stage.number, self.adds["stage"] == stage.number
        taken, additions = self.taken[own], self.additions[adds]
        most = int(taken.max(initial=0))
        if not most:
            return stage.duration_ps if not len(taken) else 0
        rounds = max(1, min(self.vectors.rounds.get(stage.number, 1), most))
        first = stage.duration_ps if taken.all() else self._without_idle(stage, own & (self.taken > 0), adds)
        others = np.maximum(taken - rounds, 0)
        arrays = np.bincount(self.activations.array[own], others * self.activations.duration[own])
        units = self.timing.add_ps * int(np.maximum(additions - rounds, 0).sum()) / max(1, self.timing.digital_units)
        return rounds * first + max(float(arrays.max(initial=0)), units)

    def _without_idle(self, stage: Stage, active: NDArray[np.bool_], adds: NDArray[np.bool_]) -> int:
        """How long a stage takes for one vector if only some of its activations take place."""
        starts = self.adds["start"][adds & (self.additions > 0)].astype(np.int64)
        ends = (self.activations.start + self.activations.duration)[active]
        last = max(int(ends.max(initial=0)), int((starts + self.timing.add_ps).max(initial=0)))
        return min(stage.duration_ps, last - stage.start_ps + self.timing.transfer_ps)


def tile_times_ns(program: Program) -> NDArray[np.float64] | None:
    """How long each tile is at work for one vector in each multiplication that uses it; None without times.

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
