"""Pipelines change starts and units, and nothing else; files of them are tested in test_program.py."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.times.pipeline import Pipeline

Change = Callable[[Program, Pipeline], Program]


def pipeline(**fields: Any) -> Change:
    return lambda program, own: replace(program, pipeline=replace(own, **fields))


def without_timing(program: Program, own: Pipeline) -> Program:
    return replace(program, pipeline=own, timing=None)


def moves(*fields: int) -> NDArray[np.int64]:
    return np.array([fields], np.int64)


def start(number: int, at: int) -> Change:
    def change(program: Program, own: Pipeline) -> Program:
        own.starts[number] = at
        return replace(program, pipeline=own)

    return change


def operation(number: int, column: int, value: int) -> Change:
    def change(program: Program, own: Pipeline) -> Program:
        own.operations[number, column] = value
        return replace(program, pipeline=own)

    return change


def pipeline_of(program: Program) -> Pipeline:
    return Pipeline(732, program.instructions["start"].astype(np.int64), program.operations.copy())


@pytest.mark.parametrize("change", [operation(3, 2, 7), operation(3, 3, 1 << 62), start(3, 1 << 62)])
def test_units_and_starts_are_its_own(scheduled: Program, change: Change) -> None:
    """Whether the hardware can keep them is another question."""
    change(scheduled, pipeline_of(scheduled)).verify()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pipeline(interval_ps=0), "the pipeline has an interval of 0 ps, expected at least 1"),
        (pipeline(starts=np.zeros(3, np.int64)), "the pipeline has 3 starts, the program 19 records"),
        (pipeline(operations=np.zeros((2, 5), np.int64)), "the pipeline has 2 operations, the program 7"),
        (operation(3, 4, 7), "operation 3 of the pipeline differs from the program's in more than unit and start"),
        (operation(3, 0, 1), "operation 3 of the pipeline differs from the program's in more than unit and start"),
        (operation(3, 2, -1), "operation 3 of the pipeline has a negative number"),
        (start(3, -1), "record 3 starts at -1 ps in the pipeline, expected 0 on"),
        (pipeline(moves=moves(1, 0, 0, -1)), "move 0 of the pipeline has a negative number"),
        (pipeline(moves=moves(1, 2, 0, 9)), "move 0 of the pipeline is of array 2, the program has 2"),
        (pipeline(moves=moves(3, 0, 0, 9)), "move 0 of the pipeline is of record 3, which is no TRANSFER"),
        (pipeline(moves=moves(19, 0, 0, 9)), "move 0 of the pipeline is of record 19, which is no TRANSFER"),
        (without_timing, "the program has a pipeline and no timing, expected both"),
    ],
)
def test_messages(scheduled: Program, change: Change, message: str) -> None:
    changed = change(scheduled, pipeline_of(scheduled))
    with pytest.raises(ProgramError) as error:
        changed.verify()
    assert str(error.value) == message


def test_control_flow_that_multiplies_has_none(looped: Program) -> None:
    with pytest.raises(ProgramError) as error:
        replace(looped, pipeline=pipeline_of(looped)).verify()
    expected = "the program has a pipeline and control flow that multiplies, expected one of them"
    assert str(error.value) == expected


def test_not_with_weights_that_are_loaded(reloaded: Program) -> None:
    """Tokens that are on their way together would need several loads at a time."""
    with pytest.raises(ProgramError) as error:
        replace(reloaded, pipeline=pipeline_of(reloaded)).verify()
    assert str(error.value) == "the program has a pipeline and weights that are loaded, expected one of them"
