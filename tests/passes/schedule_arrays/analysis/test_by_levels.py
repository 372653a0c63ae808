"""Level by level: rows one after the other."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passes.analysis.cost.digital import OperatorCost, Unit
from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.stages.resources import Resources
from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.by_levels import schedule_by_levels
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Moved, Operator, Permutation, Row, Run, Stage, StageTimes, Times

Block = tuple[list[Row], Occupancy, Resources]
LATE = 1 << 60


def prepared(rows: Sequence[Row], occupancy: Occupancy, resources: Resources) -> dict[int, PreparedStage]:
    steps = list(enumerate(step for row in rows for step in row))
    return {i: PreparedStage.of(step, occupancy, resources.times) for i, step in steps if isinstance(step, Stage)}


def test_each_row_waits_for_the_one_before() -> None:
    """An operator of 3 ps, a permutation of 5; a stage with vectors of 2 and 4 on one link, 11 ps of converting."""
    one, groups = np.array([[0, 0, 1, 1]]), np.array([[0, 0, 1, 1, 0, 0]])
    products = [Product(one, np.array([[array, 0, 0]]), groups, array, 1) for array in (0, 1)]
    rows: list[Row] = [
        [Operator(OperatorCost(Unit.VECTOR, 1, 3), [])],
        [Permutation(5, [])],
        [Stage(products, [[], [1]], [2, 4], [1, 1])],
    ]
    resources = Resources(ArrayTimes(10, 1, (1,)), 1, 20, 4, links=1)
    stages = prepared(rows, Occupancy(np.zeros((0, 5), np.int64)), resources)
    times = schedule_by_levels(rows, stages, resources, 100, LATE)
    assert times is not None
    run, moved, stage = times
    assert (run, moved) == (Run((0,), 100, 3), Moved(0, 103, 5))
    assert isinstance(stage, StageTimes)
    assert (stage.ins, stage.outs) == ([Moved(0, 108, 2), Moved(0, 110, 4)], [Moved(0, 125, 1), Moved(0, 126, 1)])
    assert [starts.tolist() for starts in stage.starts] == [[114], [114]]
    assert schedule_by_levels(rows, stages, resources, 100, 127) is None
    assert schedule_by_levels(rows, stages, resources, 100, 128) is not None


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1 << 32))
def test_legal(
    random_block: Callable[[Random], Block], follow: Callable[[Block, Sequence[Times], int], int], seed: int
) -> None:
    block = random_block(Random(seed))
    times = schedule_by_levels(block[0], prepared(*block), block[2], 3, LATE)
    assert times is not None
    assert follow(block, times, 3) >= 3
