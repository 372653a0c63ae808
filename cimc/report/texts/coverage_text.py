"""Coverage in words: for a terminal, for a page, and for the error of a network that has too little of it."""

from collections.abc import Iterator

from cimc.program.one_line import one_line
from cimc.report.cost.coverage import WEIGHTS, Coverage, Digital

MOST_LINES = 5
"""Of what is digital, in a summary."""
MOST_NAMES = 3
"""Nodes that a summary names of each."""
_LARGER = ((1e15, "e15"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def coverage_lines(coverage: Coverage) -> Iterator[str]:
    """Lines of a summary: the share of arrays, and the largest parts of what is digital."""
    yield f"coverage      {coverage_text(coverage)}"
    for part in coverage.digital[:MOST_LINES]:
        yield f"digital       {percent(part.share)} {part.operator}, {part.reason}: {_nodes(part)}"
    rest = coverage.digital[MOST_LINES:]
    if rest:
        nodes = sum(len(part.nodes) for part in rest)
        share = percent(sum(part.share for part in rest))
        yield f"digital       {share} others, {nodes} nodes: cim-report --json names all"


def coverage_text(coverage: Coverage) -> str:
    """The share in a sentence."""
    if not coverage.total:
        return "no multiplication by a constant weight"
    share, total = percent(coverage.share), handy(coverage.total)
    if coverage.unit == WEIGHTS:
        return f"{share} of {total} weights on arrays; the network was not run, so multiplications are not counted"
    return f"{share} of {total} constant-weight multiply-accumulates on arrays"


def shortfall(coverage: Coverage, required: float) -> str | None:
    """What is wrong, in one line with all nodes that are digital, if arrays do less than the share `required`."""
    if coverage.share >= required:
        return None
    parts = (
        f"{part.operator} ({percent(part.share)}, {part.reason}): {', '.join(map(one_line, part.nodes))}"
        for part in coverage.digital
    )
    allowed = f"expected at least {100 * required:g} %"
    return f"arrays do too little: {coverage_text(coverage)}, {allowed}; digital are {'; '.join(parts)}"


def percent(share: float) -> str:
    """A share that is neither nothing nor all is never shown as such."""
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    text = f"{100 * share:.1f}"
    return {"0.0": "under 0.1 %", "100.0": "over 99.9 %"}.get(text, f"{text} %")


def handy(count: int) -> str:
    """A count in three digits: 1.23 M."""
    divisor, name = next(((size, name) for size, name in _LARGER if count >= size), (1, ""))
    return f"{count / divisor:.3g} {name}".rstrip() if divisor > 1 else str(count)


def _nodes(part: Digital) -> str:
    names = [one_line(name) for name in part.nodes[:MOST_NAMES]]
    more = len(part.nodes) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
