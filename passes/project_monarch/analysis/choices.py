"""What can be chosen in `project-monarch`; free of numpy: a command line is parsed before it is imported."""

from dialects.errors import UserError

AUTO, PAPER = "auto", "paper"
"""Instead of a number of blocks: the cheapest blocking within the budget, or that of arXiv 2510.11192."""
DEFAULT_BUDGET = 0.1
"""Relative error that `auto` may make in a layer."""
MOST_BUDGET = 1000
"""No layer needs a relative error above 1."""


def check_projection(blocks: int | str, budget: float) -> None:
    """UserError unless dense weights can be projected onto so many Monarch blocks, with such an error."""
    if blocks not in (AUTO, PAPER) and (isinstance(blocks, str) or blocks < 2):
        raise UserError(f"blocks={blocks} is unknown: expected a number from 2 on, {AUTO} or {PAPER}")
    if not 0 <= budget <= MOST_BUDGET:
        raise UserError(f"budget={budget}: expected a relative error from 0 to {MOST_BUDGET}")
