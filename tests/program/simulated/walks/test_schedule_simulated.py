"""The checker of schedules against the simulation: they agree on every program.

Schedules that the compiler made are legal to both; after a change, the checker must find something wrong exactly where
the simulation does. What stays legal is changed further, so that more and more stages and kernels overlap.
"""

from collections.abc import Callable
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule

Make = Callable[[Random], Program]
Change = Callable[[Program, Random], Program]
Simulate = Callable[[Program], bool]


def raises(check: Callable[[], None]) -> bool:
    try:
        check()
    except ProgramError:
        return True
    return False


def walk(random: Random, steps: int, program: Program, changed: Change, can_be_kept: Simulate) -> list[bool]:
    """What checker and simulation agree on: whether each of some changed programs is legal."""
    verify_schedule(program)
    assert can_be_kept(program)
    verdicts: list[bool] = []
    for _ in range(steps):
        other = changed(program, random)
        if not raises(other.verify):
            legal = not raises(lambda other=other: verify_schedule(other))
            assert legal == can_be_kept(other)
            verdicts.append(legal)
            program = other if legal else program
    return verdicts


@settings(max_examples=40, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_checker_and_simulation_agree(
    random_program: Make, changed: Change, can_be_kept: Simulate, random: Random
) -> None:
    walk(random, 8, random_program(random), changed, can_be_kept)


def test_changes_are_often_legal_and_often_not(random_program: Make, changed: Change, can_be_kept: Simulate) -> None:
    verdicts: list[bool] = []
    for seed in range(20):
        random = Random(seed)
        verdicts += walk(random, 10, random_program(random), changed, can_be_kept)
    assert 0.2 < np.mean(verdicts) < 0.8
    assert len(verdicts) > 150


@settings(max_examples=40, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_they_agree_where_weights_pass_through_the_chip(
    reloaded_program: Make, changed: Change, can_be_kept: Simulate, random: Random
) -> None:
    walk(random, 8, reloaded_program(random), changed, can_be_kept)


def test_loads_are_often_changed_legally_and_often_not(
    reloaded_program: Make, changed: Change, can_be_kept: Simulate
) -> None:
    verdicts: list[bool] = []
    loads: list[int] = []
    for seed in range(20):
        random = Random(seed)
        program = reloaded_program(random)
        loads.append(int(np.count_nonzero(program.instructions["op"] == Opcode.LOAD)))
        verdicts += walk(random, 10, program, changed, can_be_kept)
    assert 0.2 < np.mean(verdicts) < 0.8
    assert len(verdicts) > 150
    assert set(loads) >= {1, 2, 3}
