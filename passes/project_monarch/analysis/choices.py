"""What can be chosen in `project-monarch`; free of numpy: a command line is parsed before it is imported."""

import re

from dialects.errors import UserError

AUTO, PAPER = "auto", "paper"
"""Instead of a number of blocks: the cheapest blocking within the budget, or that of arXiv 2510.11192."""
DEFAULT_BUDGET = 0.1
"""Relative error that `auto` may make in a layer."""
MOST_BUDGET = 1000
"""No layer needs a relative error above 1."""


EXPECTED = f"a number of blocks of at least 2, also with a rank (8 or 8,rank=2), {AUTO} or {PAPER}"
"""What a user may ask for."""
_NUMBERS = re.compile(r"([0-9]{1,9})(?:,rank=([0-9]{1,9}))?")


def blocks_and_rank(choice: int | str) -> tuple[int | str, int | None]:
    """The two options of the pass in what a user asks for: `8` or `8,rank=2`, `auto`, `paper`.

    Raises UserError for anything else.
    """
    if choice in (AUTO, PAPER):
        return choice, None
    numbers = _NUMBERS.fullmatch(str(choice))
    blocks, rank = numbers.groups() if numbers else ("0", None)
    if int(blocks) < 2 or (rank is not None and int(rank) < 1):
        raise UserError(f"{choice!r}: expected {EXPECTED}")
    return int(blocks), None if rank is None else int(rank)


def check_projection(blocks: int | str, budget: float, rank: int | None = None) -> None:
    """UserError unless dense weights can be projected onto so many Monarch blocks, with such an error or rank."""
    if blocks not in (AUTO, PAPER) and (isinstance(blocks, str) or blocks < 2):
        raise UserError(f"blocks={blocks} is unknown: expected a number from 2 on, {AUTO} or {PAPER}")
    if rank is not None and rank < 1:
        raise UserError(f"rank={rank}: expected a rank of at least 1")
    if rank is not None and isinstance(blocks, str):
        raise UserError(f"rank={rank}: blocks={blocks} has a rank of its own: give a number of blocks, or no rank")
    if not 0 <= budget <= MOST_BUDGET:
        raise UserError(f"budget={budget}: expected a relative error from 0 to {MOST_BUDGET}")
