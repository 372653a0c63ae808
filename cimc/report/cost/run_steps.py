"""The steps of a program, each as long as it takes of what figures are for: a token, or an inference."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cimc.clock.graph import Kind, Pool, Steps
from cimc.program.control_flow.bodies import bodies_of, body_of_records
from cimc.program.records import INTO_ARRAYS, Opcode
from cimc.report.cost.kernel_runs import Run
from cimc.report.cost.vectors import INFERENCE, Vectors
from passes.analysis.cost.digital import OperatorCost, Unit

Numbers = NDArray[np.int64]
_POOLS = {Unit.VECTOR: Pool.DIGITAL, Unit.ATTENTION: Pool.ATTENTION}


def steps_of_run(
    steps: Steps, vectors: Vectors, run: Run | None, operators: Sequence[Sequence[OperatorCost]] | None
) -> Steps:
    """The steps with other durations, in ps for all tokens of the run (`vectors.tokens`).

    An activation or addition takes as long as all its vectors together, or those of its copy of the weight; a transfer
    is there once in each round of its body, for those of other vectors overlap, but as often as there are vectors if
    the chip counts its links. Weights are loaded once for all tokens of the run. Operators, by kernel and node, take
    what `operators` tell of all rounds; without these, nothing.
    """
    taken = taken_by_steps(steps, vectors)
    timing = steps.program.timing
    if timing is not None and timing.links is None:
        moves = np.isin(steps.kind, (Kind.INWARD, Kind.OUTWARD, Kind.PERMUTATION))
        taken[moves] = np.minimum(taken, _rounds(steps, vectors, run)[steps.record])[moves]
    own = steps.kind != Kind.OPERATOR
    times = np.where(_loads(steps), 1, vectors.tokens)
    duration = np.where(own, steps.duration * -(-taken // steps.copies) * times, 0)
    pool, units = np.where(own, steps.pool, Pool.NONE).astype(np.int8), np.where(own, steps.units, 0)
    for kernel, costs in enumerate(operators or ()):
        for step, cost in zip(steps.of_node.of(kernel).tolist(), costs):
            if cost.unit is not Unit.NONE and cost.units:
                duration[step], pool[step], units[step] = cost.picoseconds, _POOLS[cost.unit], cost.units
    return replace(steps, duration=duration, pool=pool, units=units)


def _loads(steps: Steps) -> NDArray[np.bool_]:
    """Which steps program arrays with other weights."""
    return steps.program.instructions["op"][steps.record] == Opcode.LOAD


def taken_by_steps(steps: Steps, vectors: Vectors) -> Numbers:
    """How many vectors each step is for: what is driven together is driven as often as one of it needs."""
    records, op = steps.program.instructions, steps.program.instructions["op"]
    of_records = np.ones(len(records), np.int64)
    products = np.flatnonzero(np.isin(op, (Opcode.MULTIPLY, Opcode.ADD)))
    of_records[products] = vectors.taken(records["y"][products])
    moves = np.flatnonzero(np.isin(op, (Opcode.TRANSFER, Opcode.PERMUTE)))
    of_records[moves] = _moved(steps, vectors, moves)
    timed = np.flatnonzero(steps.of_record >= 0)
    taken = np.zeros(len(steps), np.int64)
    np.maximum.at(taken, steps.of_record[timed], of_records[timed])
    return taken


def _moved(steps: Steps, vectors: Vectors, moves: Numbers) -> Numbers:
    """How many vectors each of these records moves: into arrays, as many as the multiplication that takes most."""
    records = steps.program.instructions
    most: dict[tuple[int, int], int] = {}
    clears = records[records["op"] == Opcode.CLEAR]
    counts = vectors.taken(clears["y"]).tolist()
    for stage, x, count in zip(clears["stage"].tolist(), clears["x"].tolist(), counts, strict=True):
        most[stage, x] = max(most.get((stage, x), 0), count)
    chosen = records[moves]
    inward = (chosen["op"] == Opcode.TRANSFER) & (chosen["flags"] == INTO_ARRAYS)
    taken = vectors.taken(np.where(chosen["op"] == Opcode.PERMUTE, chosen["y"], chosen["x"]))
    pairs = zip(chosen["stage"][inward].tolist(), chosen["x"][inward].tolist())
    taken[inward] = [most.get(pair, 1) for pair in pairs]
    return taken


def _rounds(steps: Steps, vectors: Vectors, run: Run | None) -> Numbers:
    """How often each record runs in what the figures are for."""
    records = steps.program.instructions
    bodies = bodies_of(records, steps.program.controls)
    if not bodies or run is None or vectors.per != INFERENCE:
        return np.ones(len(records), np.int64)
    inside = body_of_records(records, bodies)
    iterations = np.array([*(run.iterations.get(body.opens, 0) for body in bodies), 1], np.int64)
    return iterations[inside]  # WHOLE is the last one
