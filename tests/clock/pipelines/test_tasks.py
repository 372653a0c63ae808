"""What is placed at once."""

from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from cimc.clock.graph import Kind
from cimc.clock.pipelines.tasks import tasks_of, turns_of_registers
from cimc.clock.steps import steps_of
from cimc.program.program import Program


@pytest.mark.parametrize("seed", range(3))
def test_registers_and_products_hang_together(seed: int, random_program: Callable[[Random], Program]) -> None:
    steps = steps_of(random_program(Random(seed)))
    tasks = tasks_of(steps)
    assert sorted(tasks.steps.values.tolist()) == list(range(len(steps)))
    assert sorted(tasks.residences.values.tolist()) == list(range(len(steps.registers.array)))
    for task in range(len(tasks.steps)):
        own = tasks.steps.of(task)
        assert (tasks.of_step[own] == task).all()
        alone = np.isin(steps.kind[own], (Kind.OPERATOR, Kind.PERMUTATION))
        assert not alone.any() or len(own) == 1
        for residence in tasks.residences.of(task).tolist():
            registers = steps.registers
            assert np.isin([*registers.inward.of(residence), *registers.outward.of(residence)], own).all()
        done: set[int] = set()
        for step in own.tolist():
            needed = steps.needs.of(step)
            assert set(needed[tasks.of_step[needed] == task].tolist()) <= done
            done.add(step)
    users, needed = tasks.of_step[steps.needs.owners], tasks.of_step[steps.needs.values]
    outer = {(u, n) for u, n in zip(users.tolist(), needed.tolist()) if u != n}
    assert outer == set(zip(tasks.before.owners.tolist(), tasks.before.values.tolist()))


def test_all_tokens_hold_registers_where_there_are_no_copies(random_program: Callable[[Random], Program]) -> None:
    copies, copy = turns_of_registers(steps_of(random_program(Random(3))))
    assert (copies == 1).all()
    assert (copy == 0).all()
