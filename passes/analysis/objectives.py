"""What passes that use the chip aim at; free of numpy: a command line is parsed before it is imported."""

from typing import Literal, TypeAlias, get_args

from dialects.errors import UserError

Objective: TypeAlias = Literal["arrays", "latency", "throughput"]
"""Few arrays, low latency of one vector, or high throughput of many."""
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
ARRAYS, LATENCY, THROUGHPUT = OBJECTIVES
DEFAULT_OBJECTIVE = ARRAYS


def check_objective(objective: str) -> None:
    """UserError unless `objective` is one that there is."""
    if objective not in OBJECTIVES:
        raise UserError(f"objective {objective} is unknown: expected one of {', '.join(OBJECTIVES)}")
