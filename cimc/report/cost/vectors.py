"""How many vectors multiplications take of what the figures are for: a token, or an inference."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cimc.program.control_flow.bodies import bodies_of, body_of_records
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.cost.kernel_runs import Run

Per: TypeAlias = Literal["token", "inference"]
TOKEN, INFERENCE = PER = ("token", "inference")
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Vectors:
    """What figures are for, and how many vectors each multiplication and permutation takes of that.

    A token is one vector of each multiplication, or none: of one in a branch that does not run, or of an expert that
    is not chosen.
    """

    per: Per = TOKEN
    of: Mapping[int, int] = field(default_factory=dict[int, int])
    """By the slot that is written; 1 where it says nothing."""
    tokens: int = 1
    """How many of what the figures are for a run has."""
    rounds: Mapping[int, int] = field(default_factory=dict[int, int])
    """How often each stage runs, where that is not once: those in bodies run once an iteration."""

    def taken(self, slots: ArrayLike) -> Numbers:
        """The vectors of the values in these slots."""
        numbers = np.asarray(slots, np.int64).reshape(-1)
        known, places = np.unique(numbers, return_inverse=True)
        return np.array([self.of.get(y, 1) for y in known.tolist()], np.int64)[places.reshape(-1)]


ONE = Vectors()
"""One vector in each multiplication, as the program's own clock counts."""


def vectors_of(program: Program, run: Run | None) -> Vectors:
    """What a program is counted for: a token where all multiplications take equally many vectors of a run, or none.

    Otherwise, and where windows slide over the inputs, an inference: one run.
    """
    if run is None:
        return ONE
    slots = [m.y for m in program.multiplications]
    of = {y: run.vectors.get(y, 0) for y in [*slots, *run.vectors]}
    slides = any(value.slides for value in program.inputs)
    if not slides and len({of[y] for y in slots} - {0}) <= 1:
        return Vectors(TOKEN, {y: min(1, count) for y, count in of.items()}, run.tokens)
    return Vectors(INFERENCE, of, 1, _rounds(program, run))


def _rounds(program: Program, run: Run) -> dict[int, int]:
    """How often the body of each stage in bodies ran."""
    bodies = bodies_of(program.instructions, program.controls)
    if not bodies:
        return {}
    inside = body_of_records(program.instructions, bodies)
    chosen = (program.instructions["op"] == Opcode.MULTIPLY) & (inside >= 0)
    stages: list[int] = program.instructions["stage"][chosen].tolist()
    places: list[int] = inside[chosen].tolist()
    return {stage: run.iterations.get(bodies[body].opens, 0) for stage, body in zip(stages, places, strict=True)}
