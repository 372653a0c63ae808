"""What figures are for, in words: texts are written for a token, and mean an inference where the figures do."""

from collections.abc import Iterable, Sequence

from cimc.report.cost.vectors import INFERENCE, TOKEN
from cimc.report.report import Report

CLOCK = "vector in each multiplication"
"""What the program's own clock is for, where that is no token."""
_BOTH = f"{TOKEN} or {INFERENCE}"


def vectors_text(vectors: Sequence[int]) -> str:
    """How many vectors multiplications take, the least and the most."""
    least, most = min(vectors, default=0), max(vectors, default=0)
    return f"{most:,} vectors" if least == most else f"{least:,} to {most:,} vectors"


def per_of(reports: Iterable[Report]) -> str:
    """What the figures of some reports are for."""
    kinds = {report.per for report in reports}
    return _BOTH if len(kinds) > 1 else kinds.pop() if kinds else TOKEN


def worded(text: str, per: str) -> str:
    """A text about a token as one about what its figures are for."""
    if per == TOKEN:
        return text
    article = "an" if per == INFERENCE else "a"
    return (
        text.replace("a token", f"{article} {per}")
        .replace("one token", f"one {per}")
        .replace("to the next in a prefill", "to the next")
    )
