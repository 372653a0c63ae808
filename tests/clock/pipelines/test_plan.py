"""Steps as lists."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from cimc.clock.pipelines.loads import loads_of
from cimc.clock.pipelines.placing import Placing
from cimc.clock.pipelines.plan import Plan
from cimc.clock.pipelines.visits import visits_of
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


def test_what_an_array_does_by_itself_is_rigid(random_program: Callable[[Random], Program]) -> None:
    """It is placed where steps that find room one by one would be."""
    whole = steps_of(random_program(Random(5)))
    plan = Plan(visits_of(whole).steps)
    assert not Plan(whole).rigid
    assert plan.rigid == set(plan.stages)
    assert not Plan(replace(visits_of(whole).steps, buffers=2)).rigid
    interval = 2 * max(loads_of(plan.steps)).time_ps
    fast, slow = Placing(plan, interval, {}), Placing(plan, interval, {})
    assert fast.run(plan.stages)
    plan.rigid = set()
    assert slow.run(plan.stages)
    assert fast.start == slow.start
