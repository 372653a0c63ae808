"""What is in a body happens within its time, and all else outside of it (S14)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cimc.machine.machine import Machine
from cimc.program.errors import ProgramError
from cimc.program.metadata import Stage
from cimc.program.program import Program
from cimc.program.records import permute_record
from cimc.program.schedule.checker import verify_schedule

Change = Callable[[Program], Program]


def with_start(record: int, start: int) -> Change:
    def change(program: Program) -> Program:
        records = program.instructions.copy()
        records["start"][record] = start
        return replace(program, instructions=records)

    return change


def later(program: Program) -> Program:
    """The kernel's last operator ends after the body."""
    operations = program.operations.copy()
    operations[1, 3] = 237
    return replace(program, operations=operations)


def test_a_loop_that_the_hardware_can_keep(looped: Program) -> None:
    verify_schedule(looped)
    x = np.array([[1, 0, 0, 0]], np.uint8)
    runs = [Machine(looped, engine).run({"trips": np.array(3), "x": x}) for engine in ("fast", "reference")]
    assert runs[0]["all"].shape == (3, 1, 4)
    np.testing.assert_array_equal(runs[0]["all"], runs[1]["all"])
    np.testing.assert_array_equal(runs[0]["last"], np.abs(runs[0]["all"][-1]).astype(np.uint8))


def around(before: int, after: int) -> Change:
    """A permutation in front of the loop and one behind it, which take 100 ps each."""

    def change(program: Program) -> Program:
        later = program.instructions.copy()
        later["start"] += np.uint64(500)
        first = permute_record(stage=0, x=1, y=7, table=0, start=before)
        moves = [first, later, permute_record(stage=1, x=5, y=8, table=0, start=after)]
        operations = program.operations + np.array([0, 0, 0, 500, 0])
        stages, tables = [Stage(0, 500, 226)], [np.arange(4, dtype=np.int32)]
        return replace(
            program, instructions=np.concatenate(moves), operations=operations, stages=stages, tables=tables, slots=9
        )

    return change


def test_control_flow_is_a_barrier_that_nothing_else_crosses(looped: Program) -> None:
    verify_schedule(around(400, 746)(looped))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (around(401, 746), "record 0 takes until 501 ps, the body that record 1 begins from 500 ps on"),
        (around(400, 745), "record 8 starts at 745 ps, the body that record 7 ends takes until 746 ps"),
        (later, "record 5 takes from 226 to 247 ps, its body from 0 to 246 ps"),
        (with_start(0, 1), "record 1 takes from 0 to 100 ps, its body from 1 to 246 ps"),
        (with_start(6, 240), "record 5 takes from 226 to 246 ps, its body from 0 to 240 ps"),
    ],
)
def test_messages(looped: Program, change: Change, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        verify_schedule(change(looped))
    assert str(error.value) == message
