"""The checker of pipelines against the simulation of several tokens: they agree on every one (S17, S18).

A pipeline begins with tokens that follow each other when one is done; it is changed, and its interval made shorter, and
what is still legal is changed further. Inputs and outputs are named as keys and values are, in some programs.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cimc.program.errors import ProgramError
from cimc.program.metadata import Stage
from cimc.program.program import Program
from cimc.program.schedule.checker import verify_schedule
from cimc.program.times.pipeline import Pipeline
from cimc.program.times.timing import activations_of, record_ends

Make = Callable[[Random], Program]
Change = Callable[[Program, Random], Program]
Follow = Callable[[Program, dict[int, int]], bool]


def raises(check: Callable[[], None]) -> bool:
    try:
        check()
    except ProgramError:
        return True
    return False


def with_names(program: Program, random: Random) -> tuple[Program, dict[int, int]]:
    """The program with keys that each token hands to the next, and which value they become; or as it is."""
    if random.random() < 0.5:
        return program, {}
    past, present = random.choice(program.inputs), random.choice(program.outputs)
    inputs = [replace(value, name="past_key_values.0.key") if value is past else value for value in program.inputs]
    outputs = [replace(value, name="present.0.key") if value is present else value for value in program.outputs]
    return replace(program, inputs=inputs, outputs=outputs), {past.slot: present.slot}


def with_pipeline(program: Program, interval: int) -> Program:
    """The program with its own times as those of a pipeline, and stages as long as anything."""
    starts = program.instructions["start"].astype(np.int64)
    stages = [Stage(stage.number, 0, 1 << 40) for stage in program.stages]
    return replace(program, stages=stages, pipeline=Pipeline(interval, starts, program.operations.copy()))


def next_interval(interval: int, random: Random) -> int:
    return max(1, random.choice([interval, interval - 1, interval * 9 // 10, interval * 2 // 3, interval + 5]))


def walk(random: Random, steps: int, program: Program, changed: Change, can_follow: Follow) -> list[tuple[bool, float]]:
    """What both agree on: whether each of some pipelines is legal, and how many tokens are on their way in it."""
    program, becomes = with_names(program, random)
    assert program.timing is not None
    ends = record_ends(program, program.timing, activations_of(program, program.timing))
    interval = 1 + int(ends.max())
    program = with_pipeline(program, interval)
    verify_schedule(program)
    assert can_follow(program, becomes)
    verdicts: list[tuple[bool, float]] = []
    for _ in range(steps):
        other = changed(program, random) if random.random() < 0.6 else program
        shorter = next_interval(interval, random)
        other = with_pipeline(replace(other, pipeline=None), shorter)
        depth = int(other.instructions["start"].max()) / shorter
        if not raises(other.verify) and depth < 6:
            legal = not raises(lambda other=other: verify_schedule(other))
            assert legal == can_follow(other, becomes)
            verdicts.append((legal, depth))
            program, interval = (other, shorter) if legal else (program, interval)
    return verdicts


@settings(max_examples=15, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_checker_and_simulation_agree(
    random_program: Make, changed: Change, can_follow: Follow, random: Random
) -> None:
    walk(random, 8, random_program(random), changed, can_follow)


def test_tokens_are_often_on_their_way_together(random_program: Make, changed: Change, can_follow: Follow) -> None:
    verdicts: list[tuple[bool, float]] = []
    for seed in range(10):
        random = Random(seed)
        verdicts += walk(random, 12, random_program(random), changed, can_follow)
    legal = [depth for legal, depth in verdicts if legal]
    assert 0.2 < len(legal) / len(verdicts) < 0.8
    assert sum(depth > 1 for depth in legal) > 5
