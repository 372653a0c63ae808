"""What can be chosen in `place-tiles`; free of numpy: a command line is parsed before it is imported."""

from typing import Literal, TypeAlias, get_args

from dialects.errors import UserError
from passes.analysis.objectives import ARRAYS, DEFAULT_OBJECTIVE, check_objective

MappingName: TypeAlias = Literal["linear", "sparsemap", "densemap", "spread"]
"""How tiles are placed, the best last (docs/mappings.md)."""
MAPPING_NAMES: tuple[MappingName, ...] = get_args(MappingName)
LINEAR, SPARSEMAP, DENSEMAP, SPREAD = MAPPING_NAMES
DEFAULT_MAPPING = SPREAD


def check_mapping(mapping: str, objective: str = DEFAULT_OBJECTIVE) -> None:
    """UserError unless `mapping` is one that there is, and `objective` one that it can have."""
    if mapping not in MAPPING_NAMES:
        raise UserError(f"mapping {mapping} is unknown: expected one of {', '.join(MAPPING_NAMES)}")
    check_objective(objective)
    if objective != ARRAYS and mapping != SPREAD:
        raise UserError(
            f"objective {objective} with mapping {mapping}: expected mapping spread, others leave no choice"
        )
