"""A block: legal whichever order it has, and never slower than level by level, as it was scheduled before."""

from collections.abc import Callable, Sequence
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.resources import Resources
from passes.analysis.stages.stage import schedule_stage
from passes.schedule_arrays.analysis.block import schedule_block
from passes.schedule_arrays.analysis.operators import schedule_operators
from passes.schedule_arrays.analysis.steps import Operator, Permutation, Row, Stage, Times

Block = tuple[list[Row], Occupancy, Resources]


def level_by_level(block: Block, begin: int) -> int:
    """When all is done if a kernel, a permutation or a stage begins when the one before it has ended."""
    rows, occupancy, resources = block
    clock, value = begin, 0
    for row in rows:
        operators = [step for step in row if isinstance(step, Operator)]
        waiting = [(step.cost, [need - value for need in step.needs if need >= value]) for step in operators]
        runs = schedule_operators(waiting, resources.digital_units, resources.attention_units, clock)
        ends = [clock, *(run.end for run in runs)]
        ends += [clock + step.picoseconds for step in row if isinstance(step, Permutation)]
        for step in row:
            if isinstance(step, Stage):
                inside = schedule_stage(step.products, occupancy, resources).duration
                ends.append(clock + max(step.ins) + inside + max(step.outs))
            value += len(step.products) if isinstance(step, Stage) else 1
        clock = max(ends)
    return clock


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1 << 32), st.integers(0, 50))
def test_legal_and_never_slower_than_level_by_level(
    random_block: Callable[[Random], Block],
    follow: Callable[[Block, Sequence[Times], int], int],
    seed: int,
    begin: int,
) -> None:
    block = random_block(Random(seed))
    end = follow(block, schedule_block(*block, begin), begin)
    if block[2].links is None:
        assert end <= level_by_level(block, begin)


def test_mostly_it_is_faster(
    random_block: Callable[[Random], Block], follow: Callable[[Block, Sequence[Times], int], int]
) -> None:
    blocks = [random_block(Random(seed)) for seed in range(100)]
    ends = [(follow(block, schedule_block(*block, 0), 0), level_by_level(block, 0)) for block in blocks]
    assert sum(flow < levels for flow, levels in ends) > 50


def test_nothing_takes_no_time(random_block: Callable[[Random], Block]) -> None:
    _, occupancy, resources = random_block(Random(0))
    assert schedule_block([], occupancy, resources, 7) == []
