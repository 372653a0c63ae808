"""Steps: what takes no time, and when they begin and end."""

import pytest

from passes.analysis.cost.digital import OperatorCost, Unit
from passes.schedule_arrays.analysis.steps import Moved, Operator, Run, StageTimes


@pytest.mark.parametrize(
    ("cost", "is_free"),
    [
        (OperatorCost(Unit.NONE), True),
        (OperatorCost(Unit.VECTOR, 0, 5), True),
        (OperatorCost(Unit.VECTOR, 2, 0), True),
        (OperatorCost(Unit.VECTOR, 2, 5), False),
        (OperatorCost(Unit.ATTENTION, 1, 5), False),
    ],
)
def test_what_takes_no_time(cost: OperatorCost, is_free: bool) -> None:
    assert Operator(cost, []).is_free == is_free


def test_from_the_first_start_to_the_last_end() -> None:
    assert Run((1, 2), 5, 10).end == Moved(0, 5, 10).end == 15
    stage = StageTimes([Moved(0, 20, 5), Moved(0, 10, 5)], [], [], [Moved(0, 40, 5), Moved(0, 30, 5)])
    assert (stage.start, stage.end) == (10, 45)
