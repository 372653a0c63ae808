"""What can be chosen in `place-tiles`; free of numpy: a command line is parsed before it is imported."""

from typing import Literal, TypeAlias, get_args

from dialects.errors import UserError

MappingName: TypeAlias = Literal["linear", "sparsemap", "densemap", "spread"]
"""How tiles are placed, the best last (docs/mappings.md)."""
Objective: TypeAlias = Literal["arrays", "latency", "throughput"]
"""What `spread` aims at: few arrays, low latency of one vector, or high throughput of many."""
MAPPING_NAMES: tuple[MappingName, ...] = get_args(MappingName)
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
LINEAR, SPARSEMAP, DENSEMAP, SPREAD = MAPPING_NAMES
ARRAYS, LATENCY, THROUGHPUT = OBJECTIVES
DEFAULT_MAPPING, DEFAULT_OBJECTIVE = SPREAD, ARRAYS


def check_mapping(mapping: str, objective: str = DEFAULT_OBJECTIVE) -> None:
    """UserError unless `mapping` is one that there is, and `objective` one that it can have."""
    if mapping not in MAPPING_NAMES:
        raise UserError(f"mapping {mapping} is unknown: expected one of {', '.join(MAPPING_NAMES)}")
    if objective not in OBJECTIVES:
        raise UserError(f"objective {objective} is unknown: expected one of {', '.join(OBJECTIVES)}")
    if objective != ARRAYS and mapping != SPREAD:
        raise UserError(
            f"objective {objective} with mapping {mapping}: expected mapping spread, others leave no choice"
        )
