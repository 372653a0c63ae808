"""Retimed programs: nowhere later than they were, and as their waits say."""

from collections.abc import Callable
from random import Random

import pytest

from cimc.clock.retiming import latency, retimed
from cimc.clock.steps import steps_of
from cimc.program.program import Program


@pytest.mark.parametrize("seed", range(12))
def test_with_its_own_durations_nothing_is_later(seed: int, random_program: Callable[[Random], Program]) -> None:
    steps = steps_of(random_program(Random(seed)))
    times = retimed(steps)
    assert (times.starts <= steps.start).all()
    assert times.latency == max(times.starts + steps.duration)
    assert latency(steps, times.waits, steps.duration) == times.latency
