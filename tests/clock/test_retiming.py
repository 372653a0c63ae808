"""Retimed programs: nowhere later than they were, as their waits say, and legal."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from cimc.clock.graph import Kind, Pool, Steps
from cimc.clock.lists import Numbers
from cimc.clock.retiming import ends_of, retimed
from cimc.clock.steps import steps_of
from cimc.program.metadata import Stage, Timing
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule
from cimc.program.times.timing import activations_of, record_ends


@pytest.mark.parametrize("seed", range(8))
def test_with_its_own_durations_nothing_is_later(seed: int, random_program: Callable[[Random], Program]) -> None:
    steps = steps_of(random_program(Random(seed)))
    times = retimed(steps)
    assert (times.starts <= steps.start).all()
    assert times.latency == max(times.starts + steps.duration)
    assert (ends_of(steps, times.waits, steps.duration) == times.starts + steps.duration).all()
    verify_schedule(at_starts(steps, times.starts))


@pytest.mark.parametrize("seed", range(8))
def test_with_other_durations_the_schedule_is_legal(seed: int, random_program: Callable[[Random], Program]) -> None:
    """What is done takes other times, on a chip with links or two sets of registers."""
    random = Random(seed)
    program = random_program(random)
    assert program.timing is not None
    timing = replace(
        program.timing,
        transfer_ps=random.choice([0, 1000, 50000]),
        add_ps=random.choice([1, 500, 50000]),
        buffers=random.choice([1, 2]),
        links=random.choice([None, 1, 2]),
        link_bits_per_ns=random.choice([None, 0.5]),
    )
    own = program.operations[:, 4]
    program = one_after_the_other(program, timing, random.choice([own, 100 * own, own * 0 + 1]))
    steps = steps_of(program)
    times = retimed(steps)
    verify_schedule(at_starts(steps, times.starts))
    assert times.latency < steps.start.max() / 100


@pytest.mark.parametrize("buffers", [1, 2])
def test_arrays_with_registers_of_two_stages_do_not_wait(buffers: int, crowded_program: Program) -> None:
    """The last vector comes when the first product by the same weight still waits for its slow additions."""
    assert crowded_program.timing is not None
    timing = replace(crowded_program.timing, add_ps=10**6, digital_units=9, buffers=buffers)
    program = one_after_the_other(crowded_program, timing, np.ones(len(crowded_program.operations), np.int64))
    steps = steps_of(program)
    times = retimed(steps)
    verify_schedule(at_starts(steps, times.starts))
    again = int(steps.of_record[np.flatnonzero(program.instructions["op"] == Opcode.TRANSFER)[-2]])
    first = int(steps.registers.outward.of(0)[0])
    assert (times.starts[again] < times.starts[first]) == (buffers == 2)


def one_after_the_other(program: Program, timing: Timing, durations: Numbers) -> Program:
    """A legal program in which each step waits for the end of the one before; `durations` are those of operators."""
    steps = steps_of(program)
    slow = 10**10 * (1 + np.argsort(steps.order))
    slowed = at_starts(steps, slow, timing)
    slowed.operations[:, 4] = durations
    slowed.stages = spans(slowed, timing)
    verify_schedule(slowed)
    return slowed


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
