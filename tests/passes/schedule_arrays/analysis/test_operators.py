"""Digital operators: each runs when its operands are there, on units that are free."""

from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.cost.digital import OperatorCost, Unit
from passes.schedule_arrays.analysis.operators import Run, schedule_operators

FREE = OperatorCost(Unit.NONE)
Operators = list[tuple[OperatorCost, list[int]]]


def vector(units: int, picoseconds: int) -> OperatorCost:
    return OperatorCost(Unit.VECTOR, units, picoseconds)


def attention(picoseconds: int) -> OperatorCost:
    return OperatorCost(Unit.ATTENTION, 1, picoseconds)


def test_a_chain():
    operators: Operators = [(vector(2, 10), []), (FREE, [0]), (vector(1, 5), [1])]
    assert schedule_operators(operators, 2, 1, start=100) == [
        Run((0, 1), 100, 10),
        Run((), 110, 0),
        Run((0,), 110, 5),
    ]


def test_what_does_not_wait_runs_on_another_unit():
    operators: Operators = [(vector(1, 10), []), (vector(1, 4), []), (vector(1, 1), [])]
    assert schedule_operators(operators, 2, 1) == [Run((0,), 0, 10), Run((1,), 0, 4), Run((1,), 4, 1)]


def test_several_units_begin_together():
    operators: Operators = [(vector(1, 10), []), (vector(2, 4), [])]
    assert schedule_operators(operators, 2, 1) == [Run((0,), 0, 10), Run((1, 0), 10, 4)]


def test_attention_units_follow_the_digital_ones():
    operators: Operators = [(vector(2, 10), []), (attention(7), []), (attention(3), [])]
    assert schedule_operators(operators, 2, 2) == [Run((0, 1), 0, 10), Run((2,), 0, 7), Run((3,), 0, 3)]


def test_no_elements_occupy_nothing():
    assert schedule_operators([(vector(0, 0), [])], 1, 1, start=5) == [Run((), 5, 0)]


@st.composite
def any_operators(draw: st.DrawFn) -> Operators:
    found: Operators = []
    for number in range(draw(st.integers(0, 10))):
        kind = draw(st.sampled_from(Unit))
        cost = OperatorCost(kind, draw(st.integers(1, 2)) if kind else 0, draw(st.integers(0, 9)) if kind else 0)
        needs = draw(st.lists(st.integers(0, number - 1), unique=True)) if number else []
        found.append((cost, needs))
    return found


@given(any_operators(), st.integers(0, 50))
def test_operators_wait_for_operands_and_units_and_for_nothing_else(operators: Operators, start: int):
    runs = schedule_operators(operators, 2, 2, start)
    for number, ((cost, needs), run) in enumerate(zip(operators, runs)):
        ready = max((runs[other].end for other in needs), default=start)
        assert run.start >= ready
        assert run.duration == cost.picoseconds
        assert len(set(run.units)) == len(run.units) == cost.units
        assert set(run.units) <= {Unit.VECTOR: {0, 1}, Unit.ATTENTION: {2, 3}, Unit.NONE: set[int]()}[cost.unit]
        before = [other for other in runs[:number] if set(other.units) & set(run.units)]
        assert all(other.end <= run.start for other in before)
        assert run.start == max([ready, *(other.end for other in before)])


def by_listing(operators: Operators, count: int, start: int) -> list[Run]:
    """As `schedule_operators`, with a list of all digital units, which is sorted for each operator."""
    free, runs = [(start, unit) for unit in range(count)], list[Run]()
    for cost, needs in operators:
        free.sort()
        begin = max([free[cost.units - 1][0], *(runs[other].end for other in needs)])
        units = tuple(unit for _, unit in free[: cost.units])
        free[: cost.units] = [(begin + cost.picoseconds, unit) for unit in units]
        runs.append(Run(units, begin, cost.picoseconds))
    return runs


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.booleans())), st.integers(0, 9))
def test_units_that_never_ran_are_as_good_as_others(works: list[tuple[int, int, bool]], start: int):
    operators = [(vector(units, time), [i - 1] if waits and i else []) for i, (units, time, waits) in enumerate(works)]
    assert schedule_operators(operators, 5, 1, start) == by_listing(operators, 5, start)


def test_units_that_are_not_needed_cost_nothing():
    operators: Operators = [(vector(2, 10), []), (vector(1, 5), []), (attention(1), [])]
    assert schedule_operators(operators, 10**12, 10**12) == [Run((0, 1), 0, 10), Run((2,), 0, 5), Run((10**12,), 0, 1)]
