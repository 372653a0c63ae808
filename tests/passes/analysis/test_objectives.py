"""What passes can aim at."""

import pytest

from dialects.errors import UserError
from passes.analysis.objectives import OBJECTIVES, check_objective


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_objectives(objective: str) -> None:
    check_objective(objective)


def test_an_unknown_objective() -> None:
    with pytest.raises(UserError) as error:
        check_objective("speed")
    assert str(error.value) == "objective speed is unknown: expected one of arrays, latency, throughput"
