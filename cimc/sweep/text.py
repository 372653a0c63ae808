"""What a sweep prints: what it ran, what failed, and the best points."""

from collections import Counter
from collections.abc import Iterator

from cimc.report.text import aligned
from cimc.sweep.figures import COSINE, MAY_CLIP
from cimc.sweep.pareto import Front
from cimc.sweep.quality import BITS_PER_BYTE, PERPLEXITY
from cimc.sweep.results import number, varying_settings
from cimc.sweep.run import Sweep

MOST_LINES = 30
"""Lines of the table of best points; the others stand in its file."""
MOST_ERRORS = 5


def summary_lines(sweep: Sweep) -> Iterator[str]:
    """How many points there are, how many ran now, and what failed."""
    points, failed = len(sweep.points), sweep.failed
    varying = varying_settings(sweep)
    grid = ", ".join(f"{len(values)} {name}" for name, values in varying.items())
    yield f"{_points(points)}{f' ({grid})' if varying else ''}: {points - len(failed)} finished, {len(failed)} failed"
    before = len(sweep.outcomes) - sweep.ran
    yield f"{_points(sweep.ran)} ran in {sweep.seconds:.1f} s" + (f", {before} were finished before" if before else "")
    errors = Counter(error for _, error in failed).most_common()
    for error, count in errors[:MOST_ERRORS]:
        yield f"failed: {count} x {error}"
    if len(errors) > MOST_ERRORS:
        yield f"failed: {sum(count for _, count in errors[MOST_ERRORS:])} more; the column `error` tells why"


def front_lines(sweep: Sweep, front: Front) -> Iterator[str]:
    """The best points as a table of the settings that differ and the figures that points are compared by."""
    compared = len(front.best) + len(front.others)
    yield f"best by {', '.join(map(str, front.goals))}: {len(front.best)} of {_points(compared)}"
    settings = list(varying_settings(sweep))
    figures = [goal.figure for goal in front.goals]
    clipping = sum(bool(row.get(MAY_CLIP)) for row in front.best)
    others = (*([COSINE] if clipping and PERPLEXITY not in front.best[0] else []), PERPLEXITY, BITS_PER_BYTE)
    figures += [name for name in others if name in front.best[0] and name not in figures]
    rows = [
        [*(str(row[name]) for name in settings), *(number(row[name]) for name in figures)]
        for row in front.best[:MOST_LINES]
    ]
    sides = "".join("l" if isinstance(front.best[0][name], str) else "r" for name in settings)
    yield from aligned([[*settings, *figures], *rows], sides + "r" * len(figures))
    if len(front.best) > MOST_LINES:
        yield f"... and {len(front.best) - MOST_LINES} more in pareto.csv"
    if clipping:
        yield f"may clip: {clipping} of these points, which were run to tell what they compute"
    yield from front.notes


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"
