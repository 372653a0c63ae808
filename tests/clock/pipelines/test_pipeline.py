"""Modulo schedules, followed for some tokens by a simulation that knows steps, and not how they were placed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from cimc.clock.graph import Kind, Pool, Steps
from cimc.clock.pipelines.loads import loads_of
from cimc.clock.pipelines.pipeline import QUICK, THOROUGH, Modulo, pipeline_of
from cimc.clock.pipelines.visits import visits_of
from cimc.clock.steps import steps_of
from cimc.program.program import Program

TOKENS = 7


def _uses(steps: Steps, modulo: Modulo) -> Iterator[tuple[int, int, int]]:
    """What all tokens use: resource, from when, until when."""
    for step in range(len(steps)):
        start, end = int(modulo.starts[step]), int(modulo.starts[step] + steps.duration[step])
        own = modulo.units[step] if step in modulo.units else steps.resources.of(step).tolist()
        for token in range(TOKENS):
            for resource in own if end > start else ():
                yield resource, start + token * modulo.interval, end + token * modulo.interval


def _held(steps: Steps, modulo: Modulo) -> Iterator[tuple[int, int, int]]:
    """Which arrays tokens hold registers of: array, from when, until when."""
    registers, ends = steps.registers, modulo.starts + steps.duration
    for number, array in enumerate(registers.array.tolist()):
        first = int(modulo.starts[registers.inward.of(number)].min())
        last = int(ends[registers.outward.of(number)].max())
        for token in range(TOKENS):
            yield array, first + token * modulo.interval, last + token * modulo.interval


def _most(spans: Iterator[tuple[int, int, int]]) -> int:
    """How often something is used at once, at most."""
    changes = sorted(change for place, low, high in spans for change in ((place, low, 1), (place, high, -1)))
    now, most = 0, 0
    for _, _, change in sorted(changes, key=lambda change: (change[0], change[1], change[2])):
        now += change
        most = max(most, now)
    return most


def follow(steps: Steps, modulo: Modulo) -> None:
    """Fails if a resource is used twice at once, or a step starts before what it needs has ended."""
    assert _most(_uses(steps, modulo)) <= 1
    assert _most(_held(steps, modulo)) <= steps.buffers
    ends = modulo.starts + steps.duration
    assert (modulo.starts[steps.needs.owners] >= ends[steps.needs.values]).all()
    assert modulo.latency == ends.max()
    assert modulo.starts.min() >= 0
    for step, units in modulo.units.items():
        assert len(set(units)) == steps.units[step]
        assert set(units) <= set(steps.pools[int(steps.pool[step])])
    works = (steps.pool != Pool.NONE) & (steps.kind == Kind.OPERATOR) & (steps.duration > 0)
    assert np.isin(np.flatnonzero(works), list(modulo.units)).all()


@pytest.mark.parametrize("buffers", [1, 2])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("apart", [False, True])
def test_tokens_keep_out_of_each_others_way(
    seed: int, buffers: int, apart: bool, random_program: Callable[[Random], Program]
) -> None:
    steps = replace(steps_of(random_program(Random(seed))), buffers=buffers)
    steps = visits_of(steps).steps if apart else steps
    modulo = pipeline_of(steps, tokens=seed * seed + 1)
    follow(steps, modulo)
    assert modulo.interval >= max(load.time_ps for load in loads_of(steps)) == modulo.bound.time_ps
    assert modulo.total(3) == modulo.latency + 2 * modulo.interval


def test_looking_for_longer_finds_no_longer_interval(random_program: Callable[[Random], Program]) -> None:
    steps = steps_of(random_program(Random(6)))
    quick, thorough = (pipeline_of(steps, (), 10_000, effort) for effort in (QUICK, THOROUGH))
    follow(steps, thorough)
    assert thorough.total(10_000) <= quick.total(10_000)
    known = pipeline_of(steps, (), 10_000, QUICK, (thorough.interval, thorough.starts))
    follow(steps, known)
    assert known.total(10_000) <= quick.total(10_000)


def test_what_the_token_before_makes_is_waited_for(random_program: Callable[[Random], Program]) -> None:
    steps = steps_of(random_program(Random(0)))
    free = pipeline_of(steps)
    reader = int(steps.order[0])
    maker = int(np.argmax(free.starts + steps.duration))
    bound = pipeline_of(steps, [(maker, reader)])
    follow(steps, bound)
    assert bound.starts[maker] + steps.duration[maker] <= bound.starts[reader] + bound.interval


def test_consecutive_tokens_of_few_are_not_slowed_down(random_program: Callable[[Random], Program]) -> None:
    steps = steps_of(random_program(Random(7)))
    totals = [pipeline_of(steps, tokens=tokens).total(tokens) for tokens in (1, 2, 4, 8)]
    assert all(few < many for few, many in pairwise(totals))
    assert totals[0] <= pipeline_of(steps, tokens=1000).latency
