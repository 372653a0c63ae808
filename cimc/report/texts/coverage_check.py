"""Refuses programs of networks that stay digital for too large a part."""

from cimc.program.program import Program
from cimc.report.cost.program_cost import cost_of
from cimc.report.texts.coverage_text import shortfall
from dialects.errors import ListError


def require_coverage(program: Program, required: float | None) -> None:
    """ListError, with all nodes that stay digital, if arrays do less than the share `required`; None requires none."""
    missing = None if required is None else shortfall(cost_of(program, with_many=False).coverage, required)
    if missing is not None:
        raise ListError(missing)
