"""What is in a body happens within its time (S14)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cimc.machine.machine import Machine
from cimc.program.errors import ProgramError
from cimc.program.program import Program
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (later, "record 5 takes from 226 to 247 ps, its body from 0 to 246 ps"),
        (with_start(0, 1), "record 1 takes from 0 to 100 ps, its body from 1 to 246 ps"),
        (with_start(6, 240), "record 5 takes from 226 to 246 ps, its body from 0 to 240 ps"),
    ],
)
def test_messages(looped: Program, change: Change, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        verify_schedule(change(looped))
    assert str(error.value) == message
