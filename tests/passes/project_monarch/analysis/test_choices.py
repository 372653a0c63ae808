"""Numbers of blocks and budgets that a projection can have."""

import pytest

from dialects.errors import UserError
from passes.project_monarch.analysis.choices import AUTO, DEFAULT_BUDGET, PAPER, check_projection


@pytest.mark.parametrize(("blocks", "budget"), [(2, 0.0), (1000, 1000.0), (AUTO, DEFAULT_BUDGET), (PAPER, 1.0)])
def test_choices(blocks: int | str, budget: float) -> None:
    check_projection(blocks, budget)


@pytest.mark.parametrize("blocks", [1, 0, -2, "some", "2"])
def test_numbers_of_blocks_that_there_are_not(blocks: int | str) -> None:
    with pytest.raises(UserError) as error:
        check_projection(blocks, DEFAULT_BUDGET)
    assert str(error.value) == f"blocks={blocks} is unknown: expected a number from 2 on, auto or paper"


@pytest.mark.parametrize("budget", [-0.1, 1000.5, float("nan")])
def test_budgets_that_there_are_not(budget: float) -> None:
    with pytest.raises(UserError) as error:
        check_projection(2, budget)
    assert str(error.value) == f"budget={budget}: expected a relative error from 0 to 1000"
