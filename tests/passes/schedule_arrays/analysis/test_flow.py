"""Data flow: each begins when what it reads is there, and what it runs on."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialects.errors import UserError
from passes.analysis.cost.digital import OperatorCost, Unit
from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.stages.resources import Resources
from passes.analysis.timing import LONGEST_PS, ArrayTimes
from passes.schedule_arrays.analysis.flow import schedule_flow
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import (
    Operator,
    Permutation,
    Row,
    Run,
    Stage,
    StageTimes,
    Step,
    Times,
    TooLate,
)

Block = tuple[list[Row], Occupancy, Resources]
TIMES = ArrayTimes(10, 1, (1,))
"""A row group of one column takes 11 ps."""


def resources(buffers: int = 1, links: int | None = None, units: int = 1) -> Resources:
    return Resources(TIMES, units, 20, 4, 1, buffers, links)


def prepared(steps: Sequence[Step], occupancy: Occupancy | None = None) -> dict[int, PreparedStage]:
    held = occupancy or Occupancy(np.zeros((0, 5), np.int64))
    return {i: PreparedStage.of(step, held, TIMES) for i, step in enumerate(steps) if isinstance(step, Stage)}


def scheduled(steps: Sequence[Step], on: Resources) -> list[Times]:
    return schedule_flow(steps, prepared(steps), on)


def operator(picoseconds: int, *needs: int, units: int = 1) -> Operator:
    return Operator(OperatorCost(Unit.VECTOR, units, picoseconds), needs)


def product(source: int, *arrays: int, groups: int = 1) -> Product:
    """One column of a tile in each of the arrays, tiles under each other, each converted in so many groups."""
    tiles = np.array([[groups * i, 0, groups, 1] for i in range(len(arrays))])
    table = np.array([[i, row, 1, 1, 0, 0] for i in range(len(arrays)) for row in range(groups)])
    return Product(tiles, np.array([[array, 0, 0] for array in arrays]), table, source, 1)


def stage(*products: Product, needs: Sequence[Sequence[int]] = ([],), ins: int = 2, outs: int = 3) -> Stage:
    return Stage(products, needs, [ins] * len(needs), [outs] * len(products))


def spans(times: Sequence[Times]) -> list[tuple[int, int]]:
    return [(time.start, time.end) for time in times]


def test_a_product_leaves_when_its_sum_is_there() -> None:
    """In 2, 11 of converting in two arrays, 20 for their sum, out 3; the other product has no sum and leaves at 13."""
    (times,) = scheduled([stage(product(0, 0, 1), product(0, 2))], resources())
    assert isinstance(times, StageTimes)
    assert [adds.tolist() for adds in times.adds] == [[[0, 1, 0, 13, 0]], []]
    assert [(moved.start, moved.end) for moved in times.outs] == [(33, 36), (13, 16)]


def test_stages_overlap() -> None:
    """The second stage reads the product that the first one has early; an operator works on the other one meanwhile."""
    steps = [stage(product(0, 0), product(0, 1, groups=9)), stage(product(0, 2), needs=[[0]]), operator(5, 1)]
    assert spans(scheduled(steps, resources())) == [(0, 104), (16, 32), (104, 109)]


def test_what_has_the_longest_path_goes_first() -> None:
    """Both products are of one array, and an operator of 50 ps reads the second."""
    steps = [stage(product(0, 0), product(0, 0)), operator(50, 1)]
    stage_times, run = scheduled(steps, resources())
    assert isinstance(stage_times, StageTimes)
    assert [starts.tolist() for starts in stage_times.starts] == [[13], [2]]
    assert run == Run((0,), 16, 50)


@pytest.mark.parametrize(("buffers", "second"), [(1, (16, 32)), (2, (0, 27))])
def test_an_array_serves_as_many_stages_as_it_has_sets_of_registers(buffers: int, second: tuple[int, int]) -> None:
    """With two, the next vector moves in while the array converts for the stage before."""
    steps = [stage(product(0, 0)), stage(product(0, 0))]
    assert spans(scheduled(steps, resources(buffers))) == [(0, 16), second]


def test_stages_wait_for_each_other_in_their_order() -> None:
    """The second stage could take array 1 at once, and would then keep the first one from it, which comes first."""
    steps = [
        operator(100),
        stage(product(0, 0), product(1, 0, 1), needs=[[], [0]]),
        stage(product(0, 1), product(1, 0, 1), needs=[[], [2]]),
    ]
    assert spans(scheduled(steps, resources())) == [(0, 100), (0, 136), (136, 172)]


def test_one_link() -> None:
    """Vectors of 2 ps and products of 3, a permutation of 1 ps after them, one after the other."""
    steps = [stage(product(0, 0), product(1, 1), needs=[[], []]), Permutation(1, [1])]
    times, moved = scheduled(steps, resources(links=1))
    assert isinstance(times, StageTimes)
    assert spans([*times.ins, *times.outs, moved]) == [(2, 4), (0, 2), (16, 19), (13, 16), (19, 20)]


def test_operators_fill_gaps() -> None:
    """All but one unit work until 30; then an operator begins that needs all. One of 10 ps fits before, not of 31."""
    first, second = operator(30, units=2), operator(20, units=3)
    steps = [first, Permutation(100, [0]), second, Permutation(50, [2]), operator(10), operator(31)]
    times = scheduled(steps, resources(units=3))
    assert spans(times) == [(0, 30), (30, 130), (30, 50), (50, 100), (0, 10), (50, 81)]


def test_what_takes_no_time_is_there_at_once() -> None:
    steps = [operator(0), Operator(OperatorCost(Unit.NONE), [0]), operator(7, 1, 1), operator(0, 2)]
    assert spans(scheduled(steps, resources())) == [(0, 0), (0, 0), (0, 7), (7, 7)]


def test_thousands_of_operators_that_take_no_time() -> None:
    steps = [operator(0, *([i - 1] if i else [])) for i in range(5000)]
    assert spans(scheduled(steps, resources()))[-1] == (0, 0)


def test_operators_that_end_too_late() -> None:
    with pytest.raises(TooLate) as error:
        scheduled([operator(5), operator(LONGEST_PS, 0)], resources())
    assert (error.value.step, error.value.end) == (1, LONGEST_PS + 5)


def test_moves_that_end_too_late() -> None:
    with pytest.raises(UserError, match="more than two weeks"):
        scheduled([Permutation(LONGEST_PS, []), Permutation(1, [0])], resources())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1 << 32))
def test_legal(
    random_block: Callable[[Random], Block], follow: Callable[[Block, Sequence[Times], int], int], seed: int
) -> None:
    rows, occupancy, on = block = random_block(Random(seed))
    steps = [step for row in rows for step in row]
    stages = {i: PreparedStage.of(step, occupancy, on.times) for i, step in enumerate(steps) if isinstance(step, Stage)}
    follow(block, schedule_flow(steps, stages, on, 3), 3)
