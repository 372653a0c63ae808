"""Tokens that follow each other: arrays, units, links and registers (S17), keys and values (S18).

A token of the scheduled program takes 732 ps; each message comes from one change to a pipeline that can be kept.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cimc.machine.machine import Machine
from cimc.program.errors import ProgramError
from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.schedule.checker import verify_schedule
from cimc.program.schedule.tokens import MAXIMAL_INTERVAL_PS, verify_turns
from cimc.program.times.pipeline import Pipeline
from cimc.program.times.timing import activations_of, record_ends

Change = Callable[[Program], Program]
IN1, TOP2, BOTTOM2, TOP3, BOTTOM3, OUT3 = 1, 3, 4, 7, 8, 10


def pipelined(program: Program, interval: int = 732) -> Program:
    starts = program.instructions["start"].astype(np.int64)
    return replace(program, pipeline=Pipeline(interval, starts, program.operations.copy()))


def timing_of(program: Program) -> Timing:
    assert program.timing is not None
    return program.timing


def timing(**fields: Any) -> Change:
    return lambda program: replace(program, timing=replace(timing_of(program), **fields))


def every(interval: int, *changes: Change) -> Change:
    def change(program: Program) -> Program:
        for each in changes:
            program = each(program)
        assert program.pipeline is not None
        return replace(program, pipeline=replace(program.pipeline, interval_ps=interval))

    return change


def start(number: int, at: int) -> Change:
    def change(program: Program) -> Program:
        assert program.pipeline is not None
        program.pipeline.starts[number] = at
        return program

    return change


def operation(number: int, unit: int, at: int) -> Change:
    def change(program: Program) -> Program:
        assert program.pipeline is not None
        program.pipeline.operations[number, 2:4] = unit, at
        return program

    return change


def cached(program: Program) -> Program:
    """Value 6, made at 732 ps, becomes value 0, which the first operator reads at once."""
    (x,), (y,) = program.inputs, program.outputs
    return replace(program, inputs=[replace(x, name="past.0.key")], outputs=[replace(y, name="present.0.key")])


def linked(program: Program) -> Program:
    """All vectors move on link 0, but the one that would be in the way."""
    program.instructions["array"][OUT3] = 1
    return timing(links=2)(program)


@pytest.mark.parametrize(
    "change",
    [
        every(732),
        every(732, cached),
        every(652),  # array 0 serves stage 0 from 80 ps on, stage 1 until 732 ps
        every(652, linked),
        every(246, timing(buffers=2), operation(4, 2, 326), operation(6, 2, 376)),  # both for 246 ps, in two sets
        every(MAXIMAL_INTERVAL_PS),
    ],
)
def test_pipelines_that_the_hardware_can_keep(scheduled: Program, change: Change) -> None:
    changed = change(pipelined(scheduled))
    changed.verify()
    verify_schedule(changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (every(MAXIMAL_INTERVAL_PS + 1), f"interval_ps is {(1 << 52) + 1}, expected at most {1 << 52}"),
        # the rules for one token
        (start(TOP2, 150), "record 3 reads value 1 at 150 ps, which is there from 180 ps on"),
        (operation(1, 0, 29), "unit 0 does two things at 29 ps"),
        # S17
        (
            every(406, timing(buffers=2)),
            "record 3 uses array 0 while record 15 does so for another token, 406 ps apart",
        ),
        (
            every(326, timing(buffers=2)),
            "operation 0 uses unit 0 while operation 4 does so for another token, 326 ps apart",
        ),
        (
            every(146, timing(buffers=2), operation(6, 2, 376)),
            "record 5 uses unit 0 while operation 2 does so for another token, 146 ps apart",
        ),
        (
            every(651, linked, timing(buffers=2)),
            "record 1 uses link 0 while record 18 does so for another token, 651 ps apart",
        ),
        (
            every(651),
            "array 0 serves stages 0, 1 of several tokens at the same time, 651 ps apart; it has 1 set of registers",
        ),
        # S18
        (
            every(731, cached),
            "node 0 of kernel 0 starts at 0 ps, its operands are there from 1 ps on",
        ),
    ],
)
def test_messages(scheduled: Program, change: Change, message: str) -> None:
    changed = change(pipelined(scheduled))
    changed.verify()
    with pytest.raises(ProgramError) as error:
        verify_schedule(changed)
    assert str(error.value) == f"in the pipeline, {message}"


def test_the_machine_refuses_a_pipeline_that_cannot_be_kept(scheduled: Program) -> None:
    with pytest.raises(ProgramError, match="in the pipeline, array 0 serves stages 0, 1"):
        Machine(every(651)(pipelined(scheduled)))


def turns(program: Program, records: list[int], interval: int) -> None:
    """Checks some records of a program alone."""
    alone = replace(program, instructions=program.instructions[records], operations=program.operations[:0])
    activations = activations_of(alone, timing_of(program))
    ends = record_ends(alone, timing_of(program), activations)
    verify_turns(alone, timing_of(program), interval, activations, ends)


@pytest.mark.parametrize(
    ("records", "interval", "message"),
    [
        ([IN1, TOP2, BOTTOM2], 25, "record 1 uses array 0 for longer than tokens are apart, 25 ps"),
        (
            [IN1, TOP3, BOTTOM3, OUT3],
            245,
            "array 1 serves stage 0 of several tokens at the same time, 245 ps apart; it has 1 set of registers",
        ),
    ],
)
def test_what_is_in_its_own_way(scheduled: Program, records: list[int], interval: int, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        turns(scheduled, records, interval)
    assert str(error.value) == message


@pytest.mark.parametrize(("copies", "interval"), [(1, 246), (2, 123), (3, 82), (4, 62)])
def test_copies_work_for_every_so_many_tokens(scheduled: Program, copies: int, interval: int) -> None:
    """Array 1 serves value 3 for 246 ps."""
    first, second = scheduled.weights
    program = replace(scheduled, weights=[first, replace(second, copies=copies)])
    turns(program, [IN1, TOP3, BOTTOM3, OUT3], interval)
    with pytest.raises(ProgramError):
        turns(program, [IN1, TOP3, BOTTOM3, OUT3], interval - 1)


def test_an_array_of_several_copies_serves_every_token(scheduled: Program) -> None:
    """Array 1 is half of value 2 in that stage; the weight of value 3 has copies."""
    first, second = scheduled.weights
    scheduled.instructions["y"][BOTTOM3] = 2
    program = replace(scheduled, weights=[first, replace(second, copies=2)])
    turns(program, [IN1, TOP3, BOTTOM3, OUT3], 246)
    with pytest.raises(ProgramError, match="array 1 serves stage 0 of several tokens at the same time, 245 ps apart"):
        turns(program, [IN1, TOP3, BOTTOM3, OUT3], 245)


def test_caches_of_unknown_outputs(scheduled: Program) -> None:
    """The output has the shape of the input that holds keys, so it may be what these become."""
    (x,) = scheduled.inputs
    program = replace(pipelined(scheduled), inputs=[replace(x, name="past.0.key", dtype="int32")])
    with pytest.raises(ProgramError, match="operands are there from 80 ps on"):
        verify_schedule(every(652)(program))
