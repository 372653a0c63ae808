"""Numbers of blocks and budgets that a projection can have."""

import pytest

from dialects.errors import UserError
from passes.project_monarch.analysis.choices import (
    AUTO,
    DEFAULT_BUDGET,
    EXPECTED,
    PAPER,
    blocks_and_rank,
    check_projection,
)


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


@pytest.mark.parametrize(
    ("choice", "options"),
    [(8, (8, None)), ("8", (8, None)), ("8,rank=2", (8, 2)), (AUTO, (AUTO, None)), (PAPER, (PAPER, None))],
)
def test_what_a_user_asks_for(choice: int | str, options: tuple[int | str, int | None]) -> None:
    assert blocks_and_rank(choice) == options


@pytest.mark.parametrize(
    "choice", [1, True, -2, "1", "", "8,", "8,rank", "8,rank=0", "8,rank=-1", "8, rank=2", "auto,rank=2", "9" * 5000]
)
def test_what_no_user_can_ask_for(choice: int | str) -> None:
    with pytest.raises(UserError) as error:
        blocks_and_rank(choice)
    assert str(error.value) == f"{choice!r}: expected {EXPECTED}"


@pytest.mark.parametrize(
    ("blocks", "rank", "message"),
    [
        (8, 0, "rank=0: expected a rank of at least 1"),
        (AUTO, 2, "rank=2: blocks=auto has a rank of its own: give a number of blocks, or no rank"),
        (PAPER, 1, "rank=1: blocks=paper has a rank of its own: give a number of blocks, or no rank"),
    ],
)
def test_ranks_that_there_are_not(blocks: int | str, rank: int, message: str) -> None:
    with pytest.raises(UserError) as error:
        check_projection(blocks, DEFAULT_BUDGET, rank)
    assert str(error.value) == message
