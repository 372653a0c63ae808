"""Kinds of structure, counted: a Monarch layer is two multiplications, by one factor each."""

from collections import Counter
from collections.abc import Iterable, Mapping

MONARCH = "monarch"
FACTORS_OF_A_LAYER = {MONARCH: 2}
"""Of the kinds whose layers are products of several weights."""


def structures_of(kinds: Iterable[str]) -> dict[str, dict[str, int]]:
    """Multiplications by weights of each kind, `factors`, and the `layers` that they make; kinds in order of name."""
    counts = sorted(Counter(kinds).items())
    return {kind: {"factors": count, "layers": count // FACTORS_OF_A_LAYER.get(kind, 1)} for kind, count in counts}


def structure_text(structures: Mapping[str, Mapping[str, int]]) -> str:
    """As in `3 dense, 50 monarch factors of 25 layers`."""
    return ", ".join(_counted(kind, **counts) for kind, counts in structures.items()) or "none"


def _counted(kind: str, factors: int, layers: int) -> str:
    if kind not in FACTORS_OF_A_LAYER:
        return f"{factors} {kind}"
    return f"{factors} {kind} factors of {layers} layer{'s' if layers != 1 else ''}"
