"""Arrays work only while their weights are in the chip (S19)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule

Check = Callable[..., Compilation]
Write = Callable[..., Path]
MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"


def chain(onnx_file: Write, sizes: list[int], random: np.random.Generator) -> Path:
    """A network of dense layers of these sizes."""
    layers = range(len(sizes) - 1)
    weights = {f"w{i}": random.normal(size=sizes[i : i + 2]).astype(np.float32) for i in layers}
    body = "".join(f"[product{i}] m{i} = MatMul(x{i}, w{i}) x{i + 1} = Relu(m{i}) " for i in layers)
    return onnx_file(f"g (float[n,{sizes[0]}] x0) => (float[n,{sizes[-1]}] x{len(layers)}) {{ {body} }}", weights)


@pytest.fixture
def small(compiled: Check, onnx_file: Write) -> Program:
    """A chain of three weights of 4 arrays each, on 4 arrays."""
    file = chain(onnx_file, [8, 8, 8, 8], np.random.default_rng(0))
    return compiled(file, reload=True, arrays=4).program


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
    small: Program, opcode: Opcode, number: int, fields: dict[str, int], message: str
) -> None:
    with pytest.raises(ProgramError, match=message):
        verify_schedule(changed(small, opcode, number, **fields))


def test_a_program_that_loads_nothing_first(small: Program) -> None:
    kept = np.delete(small.instructions, np.flatnonzero(small.instructions["op"] == Opcode.LOAD)[:1])
    with pytest.raises(ProgramError, match=r"uses array 0, whose weights are not in the chip"):
        verify_schedule(replace(small, instructions=kept))
