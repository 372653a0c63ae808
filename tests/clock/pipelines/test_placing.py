"""Attempts at an interval."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

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


def test_with_copies_they_begin_later_by_whole_turns(
    compiled: Callable[..., Compilation], chain: Callable[..., Path]
) -> None:
    """Until the copies that they use have their turns again."""
    file = chain([8, 8, 4, 4], np.random.default_rng(0))
    plan = Plan(steps_of(compiled(file, objective="throughput", arrays=40).program))
    assert max(plan.most) > 1
    interval = sum(plan.duration)
    placing = Placing(plan, interval, {})
    assert placing.run(plan.stages[::-1])
    for task, (begin, _) in placing.phases.items():
        own = min(placing.start[step] for step in plan.inputs[task])
        assert (own - begin) % (interval * plan.copies[task]) == 0


def test_released_steps_wait(random_program: Callable[[Random], Program]) -> None:
    plan = Plan(steps_of(random_program(Random(4))))
    operator = int(np.flatnonzero((plan.steps.kind == 5) & (plan.steps.units > 0))[0])
    placing = Placing(plan, 4 * sum(plan.duration), {operator: 12_345_678})
    assert placing.run()
    assert placing.start[operator] >= 12_345_678
    assert placing.latency > 12_345_678
