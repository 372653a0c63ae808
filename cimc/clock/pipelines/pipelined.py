"""A program whose tokens follow each other: the starts of a modulo schedule, by record and operation."""

from dataclasses import replace

import numpy as np

from cimc.clock.graph import Pool, Steps
from cimc.clock.lists import Numbers
from cimc.clock.pipelines.caches import recurrences_of
from cimc.clock.pipelines.loads import NO_LOAD, Load, loads_of
from cimc.clock.pipelines.pipeline import FEW, QUICK, THOROUGH, Effort, Hint, Modulo, pipeline_of
from cimc.clock.pipelines.visits import Visits, can_visit, visits_of
from cimc.clock.steps import steps_of
from cimc.program.port_names import cache_pairs
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode
from cimc.program.schedule.checker import verify_schedule
from cimc.program.times.pipeline import Pipeline
from dialects.errors import UserError


def modulo_schedule(
    steps: Steps, tokens: int, effort: Effort = QUICK, known: Hint | None = None, outside: Load = NO_LOAD
) -> Modulo:
    """The modulo schedule of a program's steps, in which each token waits for keys and values of the one before.

    Arrays move vectors and sums by themselves if they can, and if tokens are not done sooner without that: few may be,
    or if links are counted. A schedule that is `known` for other durations, or that of the program's pipeline, is tried
    as well. No interval is shorter than what a token keeps something `outside` of the steps busy for.
    """
    pairs = cache_pairs(steps.program.inputs, steps.program.outputs)

    def made(taken: Steps, visits: Visits | None) -> Modulo:
        hint = known or _hint(taken, visits)
        fits = hint is not None and len(hint[1]) == len(taken)
        return pipeline_of(taken, recurrences_of(taken, pairs), tokens, effort, hint if fits else None, outside)

    if not can_visit(steps):
        return made(steps, None)
    visits = visits_of(steps)
    modulo = made(visits.steps, visits)
    modulo = replace(modulo, moves=_moves(visits, modulo))
    together = made(steps, None) if tokens <= FEW or len(steps.pools[Pool.LINKS]) else modulo
    best = min(modulo, together, key=lambda schedule: schedule.total(tokens))
    return replace(best, bound=max(*map(min, loads_of(steps), loads_of(visits.steps)), outside))


def _moves(visits: Visits, modulo: Modulo) -> Numbers:
    """The table of moves of a pipeline, on the links that they take."""
    own = range(visits.first, len(visits.steps))
    first = visits.steps.pools[Pool.LINKS].start
    links = [modulo.units[step][0] - first if step in modulo.units else 0 for step in own]
    return np.stack([visits.record, visits.array, np.array(links, np.int64), modulo.starts[visits.first :]], axis=1)


def _hint(steps: Steps, visits: Visits | None) -> Hint | None:
    """What is known of a good schedule: that of the pipeline that the program has, if it has one."""
    pipeline = steps.program.pipeline
    if pipeline is None:
        return None
    starts = np.where(steps.record >= 0, pipeline.starts[steps.record], 0)
    if visits is not None and len(pipeline.moves) == len(visits.record):
        starts[visits.first :] = pipeline.moves[:, 3]
    return pipeline.interval_ps, starts


def pipelined(program: Program, tokens: int, effort: Effort = THOROUGH) -> Program:
    """The program with a pipeline, that of those that were tried in which so many tokens are done first.

    It must have a legal schedule. UserError if it can have no pipeline.
    """
    why = why_no_pipeline(program)
    if why:
        raise UserError(f"--tokens {tokens}: the program has no schedule of many tokens: {why}; leave out --tokens")
    steps = steps_of(program)
    modulo = modulo_schedule(steps, tokens, effort)
    operations = program.operations.copy()
    operations[:, 3] = modulo.starts[steps.of_operation]
    for step, units in modulo.units.items():
        rows = np.flatnonzero(steps.of_operation == step)
        operations[rows, 2] = np.array(units, np.int64) - steps.pools[0].start
    pipeline = Pipeline(modulo.interval, starts_of_records(steps, modulo), operations, modulo.moves)
    whole = replace(program, pipeline=pipeline)
    verify_schedule(whole)
    return whole


def why_no_pipeline(program: Program) -> str:
    """Why a program cannot have a pipeline; "" if it can."""
    if program.timing is None:
        return "it says nothing about time"
    if (program.instructions["op"] == Opcode.LOAD).any():
        return "weights pass through the chip in parts, each for all tokens of a run before the next comes"
    if program.controls:
        return "a body of control flow multiplies, how often is not known before a run"
    return ""


def starts_of_records(steps: Steps, modulo: Modulo) -> Numbers:
    """When each record starts [ps]: kernels with their first operator that takes time, sums are cleared when the
    vector of their product begins to move in."""
    records, starts = steps.program.instructions, np.zeros(len(steps.program.instructions), np.int64)
    timed = steps.of_record >= 0
    starts[timed] = modulo.starts[steps.of_record[timed]]
    inward = np.flatnonzero((records["op"] == Opcode.TRANSFER) & (records["flags"] == INTO_ARRAYS))
    keys = zip(records["stage"][inward].tolist(), records["x"][inward].tolist())
    first = starts.copy()
    np.minimum.at(first, modulo.moves[:, 0], modulo.moves[:, 3])
    moved = dict(zip(keys, first[inward].tolist(), strict=True))
    for number in np.flatnonzero(records["op"] == Opcode.CLEAR).tolist():
        starts[number] = moved.get((int(records["stage"][number]), int(records["x"][number])), 0)
    for number in np.flatnonzero(records["op"] == Opcode.KERNEL).tolist():
        own = steps.of_node.of(int(records["k"][number]))
        timed_nodes = own[(steps.duration[own] > 0) & (steps.units[own] > 0)]
        starts[number] = modulo.starts[timed_nodes].min(initial=np.iinfo(np.int64).max) if len(timed_nodes) else 0
    return starts
