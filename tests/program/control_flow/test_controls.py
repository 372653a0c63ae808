"""Control flow in the metadata: what is read is what was written, and nothing is taken for something else."""

from typing import Any

import pytest

from cimc.program.control_flow.controls import (
    Branch,
    Carried,
    Control,
    Loop,
    Merged,
    Sliced,
    Stacked,
    control_from_json,
)
from cimc.program.errors import ProgramError
from cimc.program.metadata import JsonObject

LOOP = Loop(
    "/loop",
    trips=0,
    iteration=2,
    running=3,
    vectors=(True, False),
    again=4,
    carried=(Carried(1, 5, 6, 7),),
    sliced=(Sliced(8, 9, 1, True),),
    stacked=(Stacked(10, 11, 0, False, "float32", (None, 4)), Stacked(12, 13, 2, True, "string", ())),
)
BRANCH = Branch("/if", 0, (Merged(1, 2, 3),))


@pytest.mark.parametrize("control", [LOOP, BRANCH, Loop("")])
def test_what_is_read_is_what_was_written(control: Control) -> None:
    assert control_from_json(JsonObject(control.to_json(), "program.controls[0]")) == control


def test_a_loop_tells_what_it_reads_and_writes() -> None:
    assert LOOP.reads == (0, 1, 8)
    assert LOOP.begins == ((2, 3, 5, 9),)
    assert LOOP.ends == ((4, 6, 10, 12),)
    assert LOOP.writes == (7, 11, 13)


def test_a_branch_tells_what_it_reads_and_writes() -> None:
    assert (BRANCH.reads, BRANCH.begins, BRANCH.ends, BRANCH.writes) == ((0,), ((), ()), ((1,), (2,)), (3,))


def of(control: Control, **fields: Any) -> JsonObject:
    return JsonObject({**control.to_json(), **fields}, "program.controls[0]")


def stacked(**fields: Any) -> list[dict[str, Any]]:
    return [{"slice": 1, "whole": 2, "axis": 0, "reverse": False, "dtype": "float32", "shape": [2], **fields}]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (of(BRANCH, type="jump"), "controls[0].type is not 'loop' or 'branch'"),
        (of(BRANCH, condition=-1), "controls[0].condition is not a number from 0 on"),
        (of(LOOP, trips="many"), "controls[0].trips is not a number from 0 on"),
        (of(LOOP, iteration_is_vector=1), "controls[0].iteration_is_vector is not true or false"),
        (of(LOOP, carried=[{}]), "controls[0].carried[0].initial is not a number from 0 on"),
        (of(LOOP, stacked=stacked(axis=64)), "controls[0].stacked[0].axis is 64, expected at most 63"),
        (of(LOOP, stacked=stacked(shape=["n"])), "controls[0].stacked[0].shape has a name, expected numbers or null"),
        (of(LOOP, stacked=stacked(dtype="O")), "controls[0].stacked[0].dtype is not a type of numpy or 'string'"),
        (of(LOOP, stacked=stacked(dtype="?!")), "controls[0].stacked[0].dtype is not a type of numpy or 'string'"),
    ],
)
def test_messages(value: JsonObject, message: str) -> None:
    with pytest.raises(ProgramError) as error:
        control_from_json(value)
    assert str(error.value) == f"damaged: metadata program.{message}"
