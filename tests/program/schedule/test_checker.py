"""Every message of the schedule's checker, each from one change to a good program."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cimc.machine.machine import Machine
from cimc.program.errors import ProgramError
from cimc.program.metadata import Stage, Timing
from cimc.program.program import OPERATION_FIELDS, Program
from cimc.program.records import kernel_record
from cimc.program.schedule.checker import MAXIMAL_PS, MAXIMAL_STEP_PS, verify_schedule

Change = Callable[[Program], Program]
Messages = list[tuple[Change, str]]
KERNEL0, IN1, CLEAR2, TOP2, BOTTOM2, ADD2, CLEAR3, TOP3, BOTTOM3, OUT2, OUT3 = range(11)
KERNEL1, PERMUTE, IN5, CLEAR6, TOP6, BOTTOM6, ADD6, OUT6 = range(11, 19)


def timing_of(program: Program) -> Timing:
    assert program.timing is not None
    return program.timing


def timing(**fields: Any) -> Change:
    return lambda program: replace(program, timing=replace(timing_of(program), **fields))


def record(number: int, **fields: int) -> Change:
    def change(program: Program) -> Program:
        for name, value in fields.items():
            program.instructions[name][number] = value
        return program

    return change


def operation(number: int, **fields: int) -> Change:
    def change(program: Program) -> Program:
        for name, value in fields.items():
            program.operations[number, OPERATION_FIELDS.index(name)] = value
        return program

    return change


def stages(*stages: tuple[int, int, int]) -> Change:
    return lambda program: replace(program, stages=[Stage(*stage) for stage in stages])


def without(number: int) -> Change:
    return lambda program: replace(program, instructions=np.delete(program.instructions, number))


def twice(number: int, **fields: int) -> Change:
    """The record once more at the end of the program, with other fields."""

    def change(program: Program) -> Program:
        records = np.append(program.instructions, program.instructions[number])
        for name, value in fields.items():
            records[name][-1] = value
        return replace(program, instructions=records)

    return change


def both(*changes: Change) -> Change:
    def change(program: Program) -> Program:
        for one in changes:
            program = one(program)
        return program

    return change


def tile(number: int, **fields: int) -> Change:
    names = ("weight", "array", "row", "column", "rows", "columns", "weight_row", "weight_column")

    def change(program: Program) -> Program:
        for name, value in fields.items():
            program.tiles[number, names.index(name)] = value
        return replace(program, arrays=np.zeros_like(program.arrays), offsets=np.zeros(0, np.int16))

    return change


def one_more_kernel(program: Program) -> Program:
    return replace(program, kernels=[*program.kernels, replace(program.kernels[0], outputs=())])


def busy_from_612_on(program: Program) -> Program:
    """A kernel whose only operator begins on unit 1 with the addition of value 6, which takes no time here."""
    program = timing(add_ps=0)(one_more_kernel(program))
    records = [kernel_record(stage=1, kernel=2, start=612), program.instructions]
    rows = [np.array([(2, 0, 1, 612, 10)], np.int64), program.operations]
    return replace(program, instructions=np.concatenate(records), operations=np.concatenate(rows))


def test_the_scheduled_program_is_good(scheduled: Program) -> None:
    Machine(scheduled).run({"x": np.ones((2, 4), np.float32)})


def test_without_times_there_is_no_schedule_to_keep(scheduled: Program) -> None:
    scheduled.instructions["start"] = 0
    verify_schedule(replace(scheduled, timing=None))


TIMES: Messages = [  # S4
    (timing(settle_ps=MAXIMAL_STEP_PS + 1), "settle_ps is 1099511627777, expected at most 1099511627776"),
    (timing(transfer_ps=1 << 62), "transfer_ps is 4611686018427387904, expected at most 1099511627776"),
    (timing(add_ps=1 << 50), "add_ps is 1125899906842624, expected at most 1099511627776"),
    (timing(adc_ps=(1, 2, 3)), "adc_ps has 3 times, the ADCs have 8 bits"),
    (timing(adc_ps=(0,) * 8), "a conversion takes 0 ps, expected 1 to 1099511627776"),
    (record(TOP2, adc_bits=9), "record 3 converts to 9 bits, the ADCs have 8"),
    (record(OUT6, start=MAXIMAL_PS + 1), f"record 18 starts at {MAXIMAL_PS + 1} ps, expected at most {MAXIMAL_PS}"),
    (record(TOP2, start=(1 << 64) - 1), f"record 3 starts at {(1 << 64) - 1} ps, expected at most {MAXIMAL_PS}"),
    (
        operation(6, duration_ps=(1 << 63) - 1),
        f"operation 6 takes {(1 << 63) - 1} ps from 376 ps on, expected at most {MAXIMAL_PS} of both",
    ),
    (stages((0, 80, 246), (1, 486, 1 << 62)), f"stage 1 has a number above {MAXIMAL_PS}"),
]
LONGEST: Messages = [  # times that can be added up are refused for what they come too late for
    (timing(settle_ps=MAXIMAL_STEP_PS), "record 15 uses array 0 before record 3 is done with it"),
    (timing(adc_ps=(MAXIMAL_STEP_PS,) * 8), "record 15 uses array 0 before record 3 is done with it"),
    (
        timing(transfer_ps=MAXIMAL_STEP_PS),
        f"record 1 takes from 80 to {80 + MAXIMAL_STEP_PS} ps, its stage 0 from 80 to 326 ps",
    ),
    (
        record(OUT6, start=MAXIMAL_PS),
        f"record 18 takes from {MAXIMAL_PS} to {MAXIMAL_PS + 100} ps, its stage 1 from 486 to 732 ps",
    ),
    (
        operation(6, start_ps=MAXIMAL_PS, duration_ps=MAXIMAL_PS),
        f"record 12 reads value 4 at 386 ps, which is there from {2 * MAXIMAL_PS} ps on",
    ),
]
ACTIVATIONS: Messages = [
    # S1
    (record(BOTTOM3, start=201), "record 8 uses array 1 before record 7 is done with it"),
    (record(TOP3, start=181), "record 8 uses array 1 before record 7 is done with it"),
    (record(BOTTOM2, start=195), "record 4 uses array 0 before record 3 is done with it"),
    # S2
    (record(BOTTOM2, row=0), "record 4 drives rows that another record drives with other inputs"),
    (record(BOTTOM2, row=1), "record 4 drives rows that another record drives with other inputs"),
    (record(BOTTOM3, start=180), "record 8 converts columns that another record converts"),
    (
        both(tile(1, row=2, column=0), record(BOTTOM2, column=1)),
        "record 4 converts columns that another record converts",
    ),
    # S3
    (
        tile(2, weight=1, array=0, row=0, column=2, rows=1, columns=1),
        "record 4 converts columns with cells of rows that another record drives",
    ),
    (
        tile(2, weight=1, array=0, row=3, column=1, rows=1, columns=1),
        "record 3 converts columns with cells of rows that another record drives",
    ),
]
STAGES: Messages = [  # S13
    (stages((0, 80, 246), (0, 486, 246)), "two stages have the number 0"),
    (stages((0, 80, 246)), "record 13 belongs to stage 1, which the program does not have"),
    (record(BOTTOM3, stage=7), "record 8 belongs to stage 7, which the program does not have"),
    (stages((0, 81, 245), (1, 486, 246)), "record 1 takes from 80 to 180 ps, its stage 0 from 81 to 326 ps"),
    (stages((0, 80, 245), (1, 486, 246)), "record 9 takes from 226 to 326 ps, its stage 0 from 80 to 325 ps"),
    (record(CLEAR6, start=485), "record 14 takes from 485 to 485 ps, its stage 1 from 486 to 732 ps"),
    (record(ADD6, stage=0), "record 17 takes from 612 to 632 ps, its stage 0 from 80 to 326 ps"),
    (
        both(stages((0, 80, 246), (1, 486, 246), (2, 900, 900)), record(OUT6, stage=2, start=900)),
        "record 18 works on value 6 in stage 2, stage 1 computes it",
    ),
]
UNITS: Messages = [
    # S5, S6
    (record(ADD2, array=2), "digital unit 2 adds partial sums, the chip has 2"),
    (operation(0, unit=3), "unit 3 runs an operator, the chip has 3 units"),
    (timing(vector_width=1), "record 5 adds 2 elements, a digital unit adds 1 at once"),
    (operation(3, unit=0), "unit 0 does two things at 60 ps"),
    (both(record(ADD6, array=0), operation(4, start_ps=600, duration_ps=13)), "unit 0 does two things at 612 ps"),
    (both(timing(add_ps=0), operation(4, start_ps=200, duration_ps=7)), "unit 0 does two things at 206 ps"),
]
SUMS: Messages = [  # S7
    (without(ADD2), "partial sums of element 0 of value 2: 2 of them take 1 additions, found 0"),
    (record(ADD2, columns=1), "partial sums of element 1 of value 2: 2 of them take 1 additions, found 0"),
    (record(ADD2, n=1, columns=1), "partial sums of element 0 of value 2: 2 of them take 1 additions, found 0"),
    (twice(ADD2, array=1), "partial sums of element 0 of value 2: 2 of them take 1 additions, found 2"),
    (record(ADD2, start=205), "partial sums of element 0 of value 2: an addition at 205 ps comes before its operands"),
    (
        record(BOTTOM2, start=198),  # converted after the first operand, which is there at 198 ps, and until 216 ps
        "partial sums of element 0 of value 2: an addition at 206 ps comes before its operands",
    ),
    (twice(ADD2, y=3, start=180), "partial sums of element 0 of value 3: 1 of them take 0 additions, found 1"),
    (
        lambda program: without(TOP6)(without(TOP6)(program)),
        "partial sums of element 0 of value 6: 0 of them take 0 additions, found 1",
    ),
]
OPERATORS: Messages = [  # S12
    (both(one_more_kernel, operation(3, kernel=2)), "an operation belongs to kernel 2, which no record runs"),
    (record(KERNEL0, start=1), "an operation of kernel 0 starts at 0 ps, the kernel at 1 ps"),
    (operation(6, node=3), "an operation is of node 3 of kernel 1, which has 3"),
    (operation(3, start_ps=61), "units work on node 2 of kernel 0 at different times"),
    (operation(1, start_ps=29), "node 1 of kernel 0 starts at 29 ps, its operands are there from 30 ps on"),
    (operation(5, duration_ps=41), "node 2 of kernel 1 starts at 376 ps, its operands are there from 377 ps on"),
]
VALUES: Messages = [
    # S9
    (record(IN1, start=79), "record 1 takes from 79 to 179 ps, its stage 0 from 80 to 326 ps"),
    (
        both(stages((0, 79, 247), (1, 486, 246)), record(IN1, start=79)),
        "record 1 reads value 1 at 79 ps, which is there from 80 ps on",
    ),
    # S10
    (record(TOP2, start=150), "record 3 reads value 1 at 150 ps, which is there from 180 ps on"),
    (without(IN1), "record 2 reads value 1 at 180 ps, which is never brought there"),
    (record(IN1, x=0), "record 3 reads value 1 at 180 ps, which is never brought there"),
    (record(IN1, start=81), "record 3 reads value 1 at 180 ps, which is there from 181 ps on"),
    (twice(IN1), "record 19 moves value 1 into the arrays of stage 0 once more"),
    # S8
    (record(OUT2, start=225), "record 9 reads value 2 at 225 ps, which is there from 226 ps on"),
    (record(OUT3, start=223), "record 10 reads value 3 at 223 ps, which is there from 224 ps on"),
    (record(OUT2, x=1), "record 9 moves value 1 out of arrays, which is no product"),
    (record(OUT3, x=2), "record 10 moves value 2 out of arrays once more"),
    # S9
    (operation(4, start_ps=325), "an operation of kernel 1 starts at 325 ps, the kernel at 326 ps"),
    (
        both(record(KERNEL1, start=325), operation(4, start_ps=325)),
        "node 0 of kernel 1 starts at 325 ps, its operands are there from 326 ps on",
    ),
    (without(OUT3), "record 10 reads value 3 at 326 ps, which is never brought there"),
    (record(PERMUTE, start=385), "record 12 reads value 4 at 385 ps, which is there from 386 ps on"),
    (record(PERMUTE, start=387), "record 13 reads value 5 at 486 ps, which is there from 487 ps on"),
    # S8, S11
    (without(OUT6), "the output in value 6 is never moved out of the arrays"),
    (record(CLEAR3, start=190), "record 7 adds to value 3 at 180 ps, cleared at 190 ps"),
]


@pytest.mark.parametrize(
    ("change", "message"), [*TIMES, *LONGEST, *ACTIVATIONS, *STAGES, *UNITS, *SUMS, *OPERATORS, *VALUES]
)
def test_messages(scheduled: Program, change: Change, message: str) -> None:
    changed = change(scheduled)
    changed.verify()
    with pytest.raises(ProgramError) as error:
        verify_schedule(changed)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "change",
    [
        record(BOTTOM3, start=204),  # an array may rest
        record(ADD2, array=1),
        both(operation(1, unit=2), operation(5, unit=1)),  # a kernel's operators may use any unit that is free
        both(timing(add_ps=0), operation(4, start_ps=326), record(ADD2, start=226)),
        busy_from_612_on,
        twice(IN1, stage=1, start=500),  # into the arrays of another stage
        tile(2, weight=1, array=0, row=0, column=0, rows=1, columns=1),  # a weight in the way of nobody
        stages((0, 80, 246), (1, 486, MAXIMAL_PS)),
        stages((0, 80, 406), (1, 486, 246)),  # one begins when the other ends
        stages((0, 80, 500), (1, 100, 900)),  # they may overlap, and so may what belongs to them
        record(KERNEL1, start=0),  # its operators wait for what they read, not it
        record(CLEAR6, start=586),
    ],
)
def test_changes_that_are_legal(scheduled: Program, change: Change) -> None:
    verify_schedule(change(scheduled))


def test_the_machine_refuses_what_cannot_be_kept(scheduled: Program) -> None:
    with pytest.raises(ProgramError, match="record 8 uses array 1"):
        Machine(record(BOTTOM3, start=201)(scheduled))


def test_operators_that_take_no_time_need_no_rows(scheduled: Program) -> None:
    """Kernels end when they start, and their models are not looked at."""
    bare = [replace(kernel, model=b"") for kernel in scheduled.kernels]
    verify_schedule(replace(scheduled, operations=scheduled.operations[:0], kernels=bare))
