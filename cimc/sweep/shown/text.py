"""What a sweep prints: what it ran, what failed, and the best points."""

from collections import Counter
from collections.abc import Iterator

from cimc.report.texts.table import Table
from cimc.sweep.figures import COSINE, MAY_CLIP
from cimc.sweep.pareto import Front
from cimc.sweep.quality import BITS_PER_BYTE, PERPLEXITY
from cimc.sweep.run import Sweep
from cimc.sweep.shown.results import varying_settings
from cimc.sweep.shown.ties import Tie, ties_of
from cimc.sweep.shown.words import figure_text, goal_text, title_of

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
    yield from failure_lines(sweep)


def failure_lines(sweep: Sweep) -> Iterator[str]:
    """Why points failed, the commonest reasons first."""
    errors = Counter(error for _, error in sweep.failed).most_common()
    for error, count in errors[:MOST_ERRORS]:
        yield f"failed: {count} x {error}"
    if len(errors) > MOST_ERRORS:
        yield f"failed: {sum(count for _, count in errors[MOST_ERRORS:])} more; the column `error` tells why"


def best_line(front: Front) -> str:
    """By what points were compared, and how many are best."""
    compared = len(front.best) + len(front.others)
    return f"best by {'; '.join(map(goal_text, front.goals))}: {len(front.best)} of {_points(compared)}"


def shown_figures(front: Front) -> list[str]:
    """The figures that are shown of the best points: those of the goals, and what tells what points compute."""
    figures = [goal.figure for goal in front.goals]
    others = (*([COSINE] if _clipping(front) and PERPLEXITY not in front.best[0] else []), PERPLEXITY, BITS_PER_BYTE)
    return figures + [name for name in others if name in front.best[0] and name not in figures]


def best_ties(front: Front) -> list[Tie]:
    """The best points, those that are equal in what is shown of them as one."""
    return ties_of(front.best, shown_figures(front))


def front_table(sweep: Sweep, front: Front, *, most: int = MOST_LINES, plain: bool = True) -> Table:
    """The best points: the settings that differ, and figures with their units; what has equal figures is one line."""
    settings, figures, ties = list(varying_settings(sweep)), shown_figures(front), best_ties(front)
    counted = ["points"] if len(ties) < len(front.best) else []
    rows = [
        [
            *(tie.values(name) for name in settings),
            *(str(len(tie.rows)) for _ in counted),
            *(figure_text(name, tie.first[name], plain=plain) for name in figures),
        ]
        for tie in ties[:most]
    ]
    sides = "".join("l" if isinstance(front.best[0][name], str) else "r" for name in settings)
    head = [*settings, *counted, *map(title_of, figures)]
    return Table(head, rows, sides + "r" * (len(counted) + len(figures)))


def front_notes(front: Front) -> Iterator[str]:
    """What else is to be said of the best points."""
    more = len(best_ties(front)) - MOST_LINES
    if more > 0:
        yield f"... and {more} more in pareto.csv"
    yield from cautions_of(front)


def cautions_of(front: Front) -> Iterator[str]:
    """That best points may clip, and what was left out of the comparison."""
    clipping = _clipping(front)
    if clipping:
        yield f"may clip: {clipping} of these points, which were run to tell what they compute"
    yield from front.notes


def _clipping(front: Front) -> int:
    return sum(bool(row.get(MAY_CLIP)) for row in front.best)


def _points(count: int) -> str:
    return "1 point" if count == 1 else f"{count} points"
