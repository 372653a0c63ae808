"""Retimed programs: nowhere later than they were, as their waits say, and legal."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from cimc.clock.graph import Kind, Pool, Steps
from cimc.clock.lists import Numbers
from cimc.clock.retiming import latency, retimed
from cimc.clock.steps import steps_of
from cimc.program.metadata import Stage, Timing
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule
from cimc.program.timing import activations_of, record_ends


@pytest.mark.parametrize("seed", range(16))
def test_with_its_own_durations_nothing_is_later(seed: int, random_program: Callable[[Random], Program]) -> None:
    steps = steps_of(random_program(Random(seed)))
    times = retimed(steps)
    assert (times.starts <= steps.start).all()
    assert times.latency == max(times.starts + steps.duration)
    assert latency(steps, times.waits, steps.duration) == times.latency
    verify_schedule(at_starts(steps, times.starts))


@pytest.mark.parametrize("seed", range(16))
def test_with_other_durations_the_schedule_is_legal(seed: int, random_program: Callable[[Random], Program]) -> None:
    """Vectors move, sums are added and operators work for other times, on chips with links and two register sets."""
    random = Random(seed)
    program = random_program(random)
    assert program.timing is not None
    own = steps_of(program)
    timing = replace(
        program.timing,
        transfer_ps=random.choice([0, 1000, 50000]),
        add_ps=random.choice([1, 500, 50000]),
        buffers=random.choice([1, 2]),
        links=random.choice([None, 1, 2]),
        link_bits_per_ns=random.choice([None, 0.5]),
    )
    operations = program.operations.copy()
    operations[:, 4] *= random.choice([1, 100])
    slow = (operations[:, 3:].sum(axis=1).max(initial=0) + 10**9) * (1 + np.arange(len(own)))  # one after the other
    program = at_starts(own, slow[np.argsort(own.order)], timing)
    program.operations[:, 4] = operations[:, 4]
    program.stages = spans(program, timing)
    verify_schedule(program)
    steps = steps_of(program)
    times = retimed(steps)
    verify_schedule(at_starts(steps, times.starts))
    assert times.latency < steps.start.max() / 100


def at_starts(steps: Steps, starts: Numbers, timing: Timing | None = None) -> Program:
    """The program with other starts, and with units and links that are free then."""
    program, units = steps.program, units_of(steps, starts)
    records, operations = program.instructions.copy(), program.operations.copy()
    timed = np.flatnonzero(steps.of_record >= 0)
    records["start"][timed] = starts[steps.of_record[timed]]
    for number in timed.tolist():
        step = int(steps.of_record[number])
        if steps.kind[step] != Kind.ACTIVATION and step in units:
            records["array"][number] = units[step][0]
    for row, step in enumerate(steps.of_operation.tolist()):
        same = np.flatnonzero(steps.of_operation == step)
        operations[row, 2:4] = units[step][same.tolist().index(row)], starts[step]
    for number in np.flatnonzero(records["op"] == Opcode.KERNEL).tolist():
        nodes = steps.of_node.of(int(records["k"][number]))
        records["start"][number] = starts[nodes].min()
    changed = replace(program, instructions=records, operations=operations, timing=timing or program.timing)
    assert changed.timing is not None
    changed.stages = spans(changed, changed.timing)
    return changed


def spans(program: Program, timing: Timing) -> list[Stage]:
    """The stages as long as all that belongs to them; products are cleared when they begin."""
    records, ends = program.instructions, record_ends(program, timing, activations_of(program, timing))
    stages: list[Stage] = []
    for stage in program.stages:
        own = (records["stage"] == stage.number) & np.isin(
            records["op"], (Opcode.MULTIPLY, Opcode.ADD, Opcode.TRANSFER)
        )
        start = int(records["start"][own].min())
        records["start"][(records["stage"] == stage.number) & (records["op"] == Opcode.CLEAR)] = start
        stages.append(Stage(stage.number, start, int(ends[own].max()) - start))
    return stages


def units_of(steps: Steps, starts: Numbers) -> dict[int, list[int]]:
    """Units for each step that needs some: numbers of digital units, of attention units after these, or of links."""
    digital, attention, links = (len(pool) for pool in steps.pools)
    numbers = {
        Pool.DIGITAL: range(digital),
        Pool.ATTENTION: range(digital, digital + attention),
        Pool.LINKS: range(links),
    }
    free = {pool: dict.fromkeys(units, 0) for pool, units in numbers.items()}
    taken: dict[int, list[int]] = {}
    for step in np.lexsort([steps.duration, starts]).tolist():
        if steps.pool[step] != Pool.NONE:
            units = free[Pool(int(steps.pool[step]))]
            taken[step] = [unit for unit, time in units.items() if time <= starts[step]][: int(steps.units[step])]
            assert len(taken[step]) == steps.units[step]
            units.update(dict.fromkeys(taken[step], int(starts[step] + steps.duration[step])))
    return taken
