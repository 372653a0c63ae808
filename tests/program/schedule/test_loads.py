"""Arrays work only while their weights are in the chip (S19)."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule


def changed(program: Program, opcode: Opcode, number: int, **fields: int) -> Program:
    """The program, with fields of one record of these changed by so much."""
    records = program.instructions.copy()
    place = np.flatnonzero(records["op"] == opcode)[number]
    for name, by in fields.items():
        records[name][place] = int(records[name][place]) + by
    return replace(program, instructions=records)


@pytest.mark.parametrize(
    ("opcode", "number", "fields", "message"),
    [
        (Opcode.LOAD, 1, {"start": -1}, r"record \d+ takes until \d+ ps, record \d+ loads weights at \d+ ps"),
        (Opcode.LOAD, 1, {"start": 1}, r"record \d+ starts at \d+ ps, record \d+ loads weights until \d+ ps"),
        (Opcode.LOAD, 1, {"rows": 1}, r"record \d+ starts at \d+ ps, record \d+ loads weights until \d+ ps"),
        (Opcode.LOAD, 1, {"array": 1}, r"record \d+ uses array 4, whose weights are not in the chip"),
        (Opcode.LOAD, 1, {"n": 1}, r"record \d+ loads 20 crossbars, the chip has 16"),
    ],
)
def test_loads_that_cannot_be(  # S19, and how long they take: I26
    reloaded: Program, opcode: Opcode, number: int, fields: dict[str, int], message: str
) -> None:
    with pytest.raises(ProgramError, match=message):
        verify_schedule(changed(reloaded, opcode, number, **fields))


def test_a_program_that_loads_nothing_first(reloaded: Program) -> None:
    kept = np.delete(reloaded.instructions, np.flatnonzero(reloaded.instructions["op"] == Opcode.LOAD)[:1])
    with pytest.raises(ProgramError, match=r"uses array 0, whose weights are not in the chip"):
        verify_schedule(replace(reloaded, instructions=kept))


def test_a_load_in_the_midst_of_a_stage(reloaded: Program) -> None:
    records = reloaded.instructions
    second = int(np.flatnonzero(records["op"] == Opcode.LOAD)[1])
    last = int(np.flatnonzero(records["op"][:second] == Opcode.TRANSFER)[-1])
    order = [*range(last), second, *range(last, second), *range(second + 1, len(records))]
    with pytest.raises(ProgramError, match=rf"record {last} loads weights while stage 0 has begun and is not done"):
        verify_schedule(replace(reloaded, instructions=records[order]))
