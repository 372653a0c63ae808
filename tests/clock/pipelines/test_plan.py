"""Steps as lists."""

from collections.abc import Callable
from random import Random

from cimc.clock.pipelines.plan import Plan
from cimc.clock.steps import steps_of
from cimc.program.program import Program


def test_heights_and_holds(random_program: Callable[[Random], Program]) -> None:
    steps = steps_of(random_program(Random(5)))
    plan = Plan(steps)
    for task, members in enumerate(plan.members):
        assert plan.height[task] >= max(plan.duration[step] for step in members)
    assert sum(plan.before) == sum(map(len, plan.after))
    for task in plan.stages:
        assert min(hold[1] for hold in plan.alone[task]) == 0
        own = {plan.array[r] for r in plan.residences[task]}
        assert {hold[0] for hold in plan.alone[task]} == own
