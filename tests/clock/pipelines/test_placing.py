"""Attempts at an interval."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

from cimc.clock.graph import Kind
from cimc.clock.pipelines.loads import loads_of
from cimc.clock.pipelines.placing import Placing
from cimc.clock.pipelines.plan import Plan
from cimc.clock.steps import steps_of
from cimc.compiler import Compilation
from cimc.program.program import Program


def test_too_short_an_interval_has_no_room(random_program: Callable[[Random], Program]) -> None:
    plan = Plan(steps_of(random_program(Random(1))))
    short = Placing(plan, max(loads_of(plan.steps)).time_ps - 1, {})
    assert not short.run()
    assert short.failed >= 0


def test_stages_that_come_first_begin_at_their_place_of_an_interval(
    random_program: Callable[[Random], Program],
) -> None:
    plan = Plan(steps_of(random_program(Random(2))))
    interval = 4 * sum(plan.duration)
    placing = Placing(plan, interval, {})
    assert placing.run(plan.stages[::-1])
    for task, (begin, _) in placing.phases.items():
        own = min(placing.start[step] for step in plan.inputs[task])
        assert begin < interval
        assert (own - begin) % interval == 0


@pytest.mark.parametrize("seed", range(3))
def test_copies_of_a_stage_keep_out_of_each_others_way_in_a_programs_schedule(
    seed: int, compiled: Callable[..., Compilation], chain: Callable[..., Path]
) -> None:
    """Partial sums of all copies are added on one unit, though each token needs those of one copy only.

    What comes first begins later by as many intervals as the copies have turns.
    """
    file = chain([8, 8, 4, 4], np.random.default_rng(seed))
    plan = Plan(steps_of(compiled(file, objective="throughput", arrays=40).program))
    interval = sum(plan.duration)
    placing = Placing(plan, interval, {})
    assert placing.run(plan.stages[::-1])
    assert max(plan.copies) > 1
    for task, (begin, _) in placing.phases.items():
        own = min(placing.start[step] for step in plan.inputs[task])
        assert (own - begin) % (interval * plan.copies[task]) == 0
    additions = np.flatnonzero(plan.steps.kind == Kind.ADDITION).tolist()
    spans = sorted((plan.resources[i][0], placing.start[i], placing.end[i]) for i in additions)
    assert len(spans) > 1
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in pairwise(spans))


def test_released_steps_wait(random_program: Callable[[Random], Program]) -> None:
    plan = Plan(steps_of(random_program(Random(4))))
    operator = int(np.flatnonzero((plan.steps.kind == 5) & (plan.steps.units > 0))[0])
    placing = Placing(plan, 4 * sum(plan.duration), {operator: 12_345_678})
    assert placing.run()
    assert placing.start[operator] >= 12_345_678
    assert placing.latency > 12_345_678
