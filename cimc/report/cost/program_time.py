"""How long a program takes and keeps the chip busy, retimed: for a token, or for an inference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.clock.bound import latency_lower_bound_ps
from cimc.clock.graph import Kind, Steps
from cimc.clock.retiming import ends_of, retimed
from cimc.clock.steps import steps_of
from cimc.program.program import Program
from cimc.report.cost.kernel_runs import Run
from cimc.report.cost.run_steps import steps_of_run, taken_by_steps
from cimc.report.cost.vectors import ONE, Vectors
from passes.analysis.cost.digital import OperatorCost

Numbers = NDArray[np.int64]
Operators = Sequence[Sequence[OperatorCost]]
"""What each node of each kernel takes in a run, in all iterations of its body."""


@dataclass(frozen=True)
class ProgramTime:
    """Times [ns] of a token or an inference."""

    parameter_ns: float
    """The latency where digital operators take no time."""
    digital_ns: float | None
    """The latency where they alone take time; None where they are not counted, as for `total_ns`."""
    total_ns: float | None
    lower_bound_ns: float
    """What `parameter_ns` is at least, however the row groups lie in the program's arrays."""
    array_busy_ns: float
    """The array that is used for longest, over all stages, on average over many runs."""
    array_mean_ns: float
    """What an array is used for, on average over all arrays too."""
    addition_busy_ns: float
    """Additions of partial sums, as if all digital units worked all the time."""
    stages_ns: Mapping[int, float]
    """From when the first vector of each stage moves in to when its last product is out, by its number; operators take
    no time."""
    products_ns: Mapping[int, float]
    """The same for each multiplication, by the value that it gives: its own vector, and its own product."""


def program_time(
    program: Program, vectors: Vectors = ONE, run: Run | None = None, operators: Operators | None = None
) -> ProgramTime | None:
    """The times of a program; None if it says nothing about time.

    All is in the program's order on the program's arrays, units and links, with the durations that it has in the run.
    `parameter_ns` and `digital_ns` are of the same order, so that their sum is never less than `total_ns`.
    """
    if program.timing is None:
        return None
    own = steps_of(program)
    (arrays, activations), (_, additions) = (busy_ps(own, kind, vectors) for kind in (Kind.ACTIVATION, Kind.ADDITION))
    steps = steps_of_run(own, vectors, run, operators)
    times = retimed(steps)
    works = steps.kind == Kind.OPERATOR
    ends = ends_of(steps, times.waits, np.where(works, 0, steps.duration))
    digital = int(ends_of(steps, times.waits, np.where(works, steps.duration, 0)).max(initial=0))
    nanosecond = 1000 * vectors.tokens
    return ProgramTime(
        parameter_ns=int(ends.max(initial=0)) / nanosecond,
        digital_ns=None if operators is None else digital / nanosecond,
        total_ns=None if operators is None else times.latency / nanosecond,
        lower_bound_ns=latency_lower_bound_ps(steps) / nanosecond,
        array_busy_ns=float(np.bincount(arrays, activations).max(initial=0.0)) / 1000,
        array_mean_ns=float(activations.sum()) / 1000 / max(1, len(program.arrays)),
        addition_busy_ns=float(additions.sum()) / 1000 / max(1, program.timing.digital_units),
        stages_ns={number: time / nanosecond for number, time in _stages(steps, ends).items()},
        products_ns={y: time / nanosecond for y, time in _products(steps, ends).items()},
    )


def busy_ps(steps: Steps, kind: Kind, vectors: Vectors) -> tuple[Numbers, NDArray[np.float64]]:
    """What steps of a kind occupy, and for how long each [ps]; copies of a weight share the vectors."""
    own = np.flatnonzero(steps.kind == kind)
    taken = taken_by_steps(steps, vectors)[own]
    return steps.resources.values[steps.resources.first[own]], steps.duration[own] * taken / steps.copies[own]


def array_busy_ps(program: Program) -> NDArray[np.float64]:
    """How long each array works for one vector in each multiplication [ps], on average: copies of a weight take
    turns."""
    arrays, busy = busy_ps(steps_of(program), Kind.ACTIVATION, ONE)
    return np.bincount(arrays, busy, len(program.arrays)).astype(np.float64)


def _stages(steps: Steps, ends: Numbers) -> dict[int, int]:
    """How long each stage is at work [ps]; what takes no vector is left out."""
    records, chosen = steps.program.instructions, np.flatnonzero((steps.kind <= Kind.ADDITION) & (steps.duration > 0))
    stage = records["stage"][steps.record[chosen]].astype(np.int64)
    count = int(stage.max(initial=-1)) + 1
    first, last = np.full(count, np.iinfo(np.int64).max), np.zeros(count, np.int64)
    np.minimum.at(first, stage, (ends - steps.duration)[chosen])
    np.maximum.at(last, stage, ends[chosen])
    spans = np.where(last, last - first, 0).tolist()
    return {s.number: spans[s.number] if s.number < count else 0 for s in steps.program.stages}


def _products(steps: Steps, ends: Numbers) -> dict[int, int]:
    """How long each product takes from when its vector moves in to when it is out [ps], by its value."""
    records = steps.program.instructions
    inward, outward = (np.flatnonzero(steps.kind == kind) for kind in (Kind.INWARD, Kind.OUTWARD))
    moved = records[steps.record[inward]]
    begins = dict(zip(zip(moved["stage"].tolist(), moved["x"].tolist()), (ends - steps.duration)[inward].tolist()))
    out = records[steps.record[outward]]
    closes = dict(zip(out["x"].tolist(), zip(out["stage"].tolist(), ends[outward].tolist())))
    products: dict[int, int] = {}
    for made in steps.program.multiplications:
        if made.y in closes:
            stage, end = closes[made.y]
            products[made.y] = end - begins.get((stage, made.x), end)
    return products
