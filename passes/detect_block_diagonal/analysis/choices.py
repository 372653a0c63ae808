"""What can be chosen in `detect-block-diagonal`; free of numpy: a command line is parsed before it is imported."""

from dialects.errors import UserError

NO_PRUNING = 0.0
"""No weight has a magnitude below it."""
MOST_MAGNITUDE = 1e300
"""Of a weight that counts as zero."""


def check_pruning(magnitude: float) -> None:
    """UserError unless weights below this magnitude can count as zero."""
    if not NO_PRUNING <= magnitude <= MOST_MAGNITUDE:
        raise UserError(f"prune-below={magnitude}: expected a magnitude from 0 to {MOST_MAGNITUDE:g}")
