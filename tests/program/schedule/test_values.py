"""Values are where they are read: a chain of transfers, products, kernels; messages are tested in test_checker.py."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.program.errors import ProgramError
from cimc.program.metadata import Multiplication, Value
from cimc.program.program import Program
from cimc.program.records import (
    INTO_ARRAYS,
    OUT_OF_ARRAYS,
    Records,
    clear_record,
    multiply_records,
    permute_record,
    transfer_record,
)
from cimc.program.schedule.values import verify_values

DURATION = 10
"""Of every record but CLEAR, which takes no time."""


def chain(permute: int = 0, into: int = 10, clear: int = 0, multiply: int = 20, out: int = 30) -> list[Records]:
    """The input 0, permuted to 1, times a weight gives 2; each step as early as it can be."""
    return [
        permute_record(stage=0, x=0, y=1, table=0, start=permute),
        transfer_record(stage=0, x=1, direction=INTO_ARRAYS, start=into),
        clear_record(stage=0, x=1, y=2, n=3, start=clear),
        multiply_records(
            stage=0, x=1, y=2, array=1, k=0, n=0, row=0, column=4, rows=2, columns=3, adc_bits=8, bound=0,
            start=multiply,
        ),
        transfer_record(stage=0, x=2, direction=OUT_OF_ARRAYS, start=out),
    ]  # fmt: skip


def is_legal(program: Program, records: list[Records]) -> bool:
    changed = replace(
        program,
        instructions=np.concatenate(records),
        multiplications=[Multiplication(2, 1, 0, "/fc")],
        outputs=[Value("y", "int32", (None, 3), 2)],
    )
    durations = np.where(changed.instructions["op"] == clear_record(stage=0, x=0, y=0, n=0)["op"][0], 0, DURATION)
    try:
        verify_values(changed, changed.instructions["start"].astype(np.int64) + durations)
    except ProgramError:
        return False
    return True


def test_a_chain_as_early_as_can_be(handmade: Program) -> None:
    assert is_legal(handmade, chain())


@pytest.mark.parametrize("late", [{"permute": 1}, {"into": 11}, {"clear": 21}, {"multiply": 21}])
def test_a_step_that_is_late_makes_the_next_too_early(handmade: Program, late: dict[str, int]) -> None:
    assert not is_legal(handmade, chain(**late))


@pytest.mark.parametrize("missing", [0, 1, 4])
def test_a_step_that_is_missing(handmade: Program, missing: int) -> None:
    records = chain()
    del records[missing]
    assert not is_legal(handmade, records)


@pytest.mark.parametrize("twice", [1, 4])
def test_a_move_is_made_once(handmade: Program, twice: int) -> None:
    records = chain()
    assert not is_legal(handmade, [*records[: twice + 1], *records[twice:]])


def test_a_product_is_moved_when_all_of_it_is_there(handmade: Program) -> None:
    records = chain()
    assert not is_legal(handmade, [*records[:4], chain(multiply=25)[3], records[4]])
    assert is_legal(handmade, [*records[:4], chain(multiply=25)[3], chain(out=35)[4]])
