"""Arrays that move vectors and sums by themselves."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from cimc.clock.graph import Kind
from cimc.clock.pipelines.loads import loads_of
from cimc.clock.pipelines.pipeline import QUICK
from cimc.clock.pipelines.pipelined import pipelined
from cimc.clock.pipelines.visits import can_visit, visits_of
from cimc.clock.steps import steps_of
from cimc.program.program import Program


@pytest.mark.parametrize("seed", range(8))
def test_each_array_waits_for_its_own_moves_alone(seed: int, random_program: Callable[[Random], Program]) -> None:
    whole = steps_of(random_program(Random(seed)))
    visits = visits_of(whole)
    steps, registers = visits.steps, visits.steps.registers
    array = dict(zip(range(visits.first, len(steps)), visits.array.tolist(), strict=True))
    for step in np.flatnonzero(steps.kind == Kind.ACTIVATION).tolist():
        needed = steps.needs.of(step).tolist()
        assert {array[other] for other in needed} == set(steps.resources.of(step).tolist())
    for residence in range(len(registers.array)):
        inward, outward = registers.inward.of(residence), registers.outward.of(residence)
        assert (visits.record[inward - visits.first] == whole.record[whole.registers.inward.of(residence)]).all()
        assert (visits.record[outward - visits.first] == whole.record[whole.registers.outward.of(residence)]).all()
    users = steps.kind[steps.needs.owners[np.isin(steps.kind[steps.needs.values], (Kind.ACTIVATION,))]]
    assert set(users.tolist()) == {Kind.OUTWARD}
    rank = np.argsort(steps.order)
    assert (rank[steps.needs.values] < rank[steps.needs.owners]).all()


@pytest.mark.parametrize("seed", range(8))
def test_no_resource_has_more_to_do(seed: int, random_program: Callable[[Random], Program]) -> None:
    whole = steps_of(random_program(Random(seed)))
    assert max(loads_of(visits_of(whole).steps)) <= max(loads_of(whole))


def test_products_that_stay_leave_no_array_by_themselves(random_program: Callable[[Random], Program]) -> None:
    steps = steps_of(random_program(Random(3)))
    assert can_visit(steps)
    kind = steps.kind.copy()
    kind[steps.registers.outward.values[0]] = Kind.ADDITION
    assert not can_visit(replace(steps, kind=kind))


@pytest.mark.parametrize("seed", range(6))
def test_the_checker_agrees_to_arrays_that_move_by_themselves(
    seed: int, random_program: Callable[[Random], Program]
) -> None:
    """`pipelined` has the pipeline checked; there is a move for each array, stage and vector or product."""
    program = random_program(Random(seed))
    registers = steps_of(program).registers
    pipeline = pipelined(program, 1000, QUICK).pipeline
    assert pipeline is not None
    assert len(pipeline.moves) == len(registers.inward.values) + len(registers.outward.values)
