"""Loops (I21) and branches (I22) over values; whole networks of them are compared with ONNX Runtime in end_to_end."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.machine.control import ControlFlow
from cimc.machine.products import Values
from cimc.program.control_flow.controls import Branch, Carried, Loop, Merged, Sliced, Stacked
from cimc.program.errors import ProgramError

ADDING = Loop(
    "/loop",
    trips=0,
    iteration=1,
    carried=(Carried(2, 3, 4, 5),),
    sliced=(Sliced(6, 7, 0, False),),
    stacked=(Stacked(4, 8, 0, False, "int64", ()),),
)


def run(loop: Loop, values: Values, unstable: tuple[int, ...] = ()) -> Values:
    """The values after a loop that adds slices, and the number of the iteration, to its state."""
    state = np.zeros((), np.int64)

    def body() -> None:
        nonlocal state
        total = values[3] + values[7] + (values[1] if 1 in values else 0)
        if 4 in unstable:
            state[...] = total
        else:
            state = np.asarray(total)
        values[4] = state
        if loop.again is not None:
            values[9] = state < 6

    ControlFlow(unstable).loop(loop, values, body)
    return values


def given(trips: int = 9) -> Values:
    return {0: np.array(trips), 2: np.array(0), 6: np.array([1, 2, 3])}


@pytest.mark.parametrize("unstable", [(), (4,)])
def test_states_are_carried_and_stacked(unstable: tuple[int, ...]) -> None:
    """Where a value is overwritten by the next iteration, as products are, what was stacked stays what it was."""
    values = run(ADDING, given(), unstable)
    assert (values[5], values[8].tolist()) == (9, [1, 4, 9])


def test_the_smallest_limit_holds() -> None:
    assert run(ADDING, given(2))[8].tolist() == [1, 4]
    assert run(replace(ADDING, condition=9, again=9), given() | {9: np.array(True)})[8].tolist() == [1, 4, 9]
    assert run(replace(ADDING, condition=9), given() | {9: np.array([False])})[8].tolist() == []


def test_backwards() -> None:
    loop = replace(
        ADDING, iteration=None, sliced=(Sliced(6, 7, 0, True),), stacked=(replace(ADDING.stacked[0], reverse=True),)
    )
    assert run(loop, given())[8].tolist() == [6, 5, 3]


def test_without_an_iteration_sizes_that_are_not_known_are_0() -> None:
    stacked = Stacked(4, 8, 1, False, "float32", (None, 3))
    values = run(replace(ADDING, stacked=(stacked,)), given(0))
    assert (values[8].shape, values[8].dtype, values[5]) == ((0, 0, 3), np.float32, 0)


@pytest.mark.parametrize("taken", [False, True])
def test_one_branch_runs(taken: bool) -> None:
    values: Values = {0: np.array(taken)}

    def branch(slot: int) -> None:
        values[slot] = np.array(slot)

    branches = (lambda: branch(1), lambda: branch(2))
    ControlFlow().branch(Branch("/if", 0, (Merged(1, 2, 3),)), values, branches)
    assert values[3] == (1 if taken else 2)
    assert (2 if taken else 1) not in values


def message(loop: Loop, values: Values) -> str:
    with pytest.raises(ProgramError) as error:
        run(loop, values)
    return str(error.value)


@pytest.mark.parametrize(
    ("loop", "changed", "text"),
    [
        (ADDING, {0: np.zeros(2, np.int64)}, "node /loop: its trip count is int64 [2], expected one number"),
        (ADDING, {6: np.array(1)}, "node /loop: goes through axis 0 of a value of []"),
        (
            replace(ADDING, condition=9),
            {9: np.array(1.5)},
            "node /loop: its condition is float64 [], expected one truth value",
        ),
        (
            replace(ADDING, sliced=(Sliced(6, 7, 0, False), Sliced(9, 10, 0, False))),
            {9: np.zeros(4)},
            "node /loop: goes through values of 3 and 4 slices",
        ),
        (
            replace(ADDING, stacked=(replace(ADDING.stacked[0], axis=3),)),
            {},
            "node /loop: iterations give [], which cannot be stacked along axis 3",
        ),
    ],
)
def test_messages(loop: Loop, changed: dict[int, NDArray[Any]], text: str) -> None:
    assert message(loop, given() | changed) == text
