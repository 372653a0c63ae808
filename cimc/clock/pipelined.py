"""A program whose tokens follow each other: the starts of a modulo schedule, by record and operation."""

from dataclasses import replace

import numpy as np

from cimc.clock.caches import recurrences_of
from cimc.clock.graph import Kind, Steps
from cimc.clock.lists import Numbers
from cimc.clock.pipeline import QUICK, Effort, Modulo, pipeline_of
from cimc.clock.steps import steps_of
from cimc.program.port_names import cache_pairs
from cimc.program.pipeline import Pipeline
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode


def modulo_schedule(steps: Steps, tokens: int, effort: Effort = QUICK) -> Modulo:
    """The modulo schedule of a program's steps, in which each token waits for keys and values of the one before."""
    program = steps.program
    pairs = cache_pairs(program.inputs, program.outputs)
    return pipeline_of(steps, recurrences_of(steps, pairs), tokens, effort)


def with_pipeline(program: Program, tokens: int, effort: Effort) -> tuple[Program, Modulo]:
    """The program with a pipeline, for which it must be suited (`why_no_pipeline`)."""
    steps = steps_of(program)
    modulo = modulo_schedule(steps, tokens, effort)
    operations = program.operations.copy()
    operations[:, 3] = modulo.starts[steps.of_operation]
    for step, units in modulo.units.items():
        rows = np.flatnonzero(steps.of_operation == step)
        operations[rows, 2] = np.array(units, np.int64) - steps.pools[0].start
    return replace(program, pipeline=Pipeline(modulo.interval, starts_of_records(steps, modulo), operations)), modulo


def why_no_pipeline(program: Program) -> str:
    """Why a program cannot have a pipeline; "" if it can."""
    if program.timing is None:
        return "the program says nothing about time"
    if program.controls:
        return "control flow multiplies, how often is not known before a run"
    return ""


def starts_of_records(steps: Steps, modulo: Modulo) -> Numbers:
    """When each record starts [ps]: kernels with their first operator that takes time, sums are cleared when the
    vector of their product moves in."""
    records, starts = steps.program.instructions, np.zeros(len(steps.program.instructions), np.int64)
    timed = steps.of_record >= 0
    starts[timed] = modulo.starts[steps.of_record[timed]]
    inward = np.flatnonzero((records["op"] == Opcode.TRANSFER) & (records["flags"] == INTO_ARRAYS))
    keys = zip(records["stage"][inward].tolist(), records["x"][inward].tolist())
    moved = dict(zip(keys, starts[inward].tolist(), strict=True))
    for number in np.flatnonzero(records["op"] == Opcode.CLEAR).tolist():
        starts[number] = moved.get((int(records["stage"][number]), int(records["x"][number])), 0)
    for number in np.flatnonzero(records["op"] == Opcode.KERNEL).tolist():
        own = steps.of_node.of(int(records["k"][number]))
        timed_nodes = own[(steps.duration[own] > 0) & (steps.units[own] > 0)]
        starts[number] = modulo.starts[timed_nodes].min(initial=np.iinfo(np.int64).max) if len(timed_nodes) else 0
    return starts
