"""Which points are best: those that no other point beats in one figure without being worse in another."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cimc.sweep.figures import COSINE
from cimc.sweep.grid import Goal, suggestion
from cimc.sweep.quality import PERPLEXITY
from cimc.sweep.store import Row
from dialects.errors import UserError

ARRAYS, CROSSBARS = "arrays", "crossbars"
USUAL = (Goal("latency_ns.total"), Goal("energy_pj.total"), Goal(ARRAYS))
"""By what points are compared where the grid does not say."""
USUAL_OF_SEVERAL_NETWORKS = (*USUAL, Goal(COSINE, greatest=True))
"""As above, where points do not compute the same: without a figure for that, the smallest would win."""
DIFFERENT = (
    "monarch", "lossy", "activations", "weight_bits", "weight_group", "activation_bits", "quality_budget", COSINE,
)  # fmt: skip
"""Settings that make points compute something else, and the figure that tells how much."""
USUAL_OF_SEVERAL_QUALITIES = (*USUAL, Goal(PERPLEXITY))
"""As above, where it is known what the networks make of a text, and they do not all make the same of it."""


@dataclass(frozen=True)
class Front:
    """The best points of a sweep."""

    goals: Sequence[Goal]
    best: Sequence[Row]
    """Sorted by the first goal."""
    others: Sequence[Row]
    """Points with all figures that are not among the best."""
    notes: Sequence[str]
    """What was left out of the comparison, and why."""


def is_best(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Of points [points, figures], all figures to be small, those that no other point dominates.

    A point dominates another if it is nowhere greater and somewhere less; so equal points stay together.
    """
    best = np.ones(len(values), np.bool_)
    for i, own in enumerate(values):
        best[i] = not ((values <= own).all(axis=1) & (values < own).any(axis=1)).any()
    return best


def front_of(rows: Sequence[Row], goals: Sequence[Goal]) -> Front:
    """The front among `rows`, the points that did not fail; `goals` are the grid's, none for the usual ones.

    Raises UserError if no point has a figure that is a goal.
    """
    notes: list[str] = []
    chosen = list(goals)
    if not goals:
        usual = USUAL_OF_SEVERAL_NETWORKS if any(map(partial(_differs, rows), DIFFERENT)) else USUAL
        if _differs(rows, PERPLEXITY):
            usual = USUAL_OF_SEVERAL_QUALITIES
        if _differ_in_size(rows):
            usual = tuple(Goal(CROSSBARS) if goal.figure == ARRAYS else goal for goal in usual)
        chosen = [goal for goal in usual if any(row.get(goal.figure) is not None for row in rows)]
        notes += [f"{goal.figure} is left out: no point has it" for goal in usual if goal not in chosen]
        if len(chosen) < 2:
            raise UserError(f"nothing to compare points by: {'; '.join(notes)}: name figures in [pareto] of the grid")
    for goal in goals:
        _check_given(goal, rows)
    known = [row for row in rows if all(row.get(goal.figure) is not None for goal in chosen)]
    if len(known) < len(rows):
        names = ", ".join(g.figure for g in chosen if any(row.get(g.figure) is None for row in rows))
        if not known:
            raise UserError(f"no point has all figures that points are compared by ({names} are null in some)")
        notes.append(f"not compared: {len(rows) - len(known)} of {len(rows)} points, which lack {names}")
    best = is_best(np.array([[_cost(row, goal) for goal in chosen] for row in known]).reshape(-1, len(chosen)))
    ordered = sorted((row for row, is_one in zip(known, best) if is_one), key=lambda row: _cost(row, chosen[0]))
    return Front(chosen, ordered, [row for row, is_one in zip(known, best) if not is_one], notes)


def _differs(rows: Sequence[Row], name: str) -> bool:
    return len({row.get(name) for row in rows}) > 1


def _differ_in_size(rows: Sequence[Row]) -> bool:
    """Whether arrays are made of different numbers of crossbars, so that their number says little."""
    sizes: set[float] = set()
    for row in rows:
        arrays, crossbars = row.get(ARRAYS), row.get(CROSSBARS)
        if isinstance(arrays, int) and isinstance(crossbars, int) and arrays:
            sizes.add(crossbars / arrays)
    return len(sizes) > 1


def _check_given(goal: Goal, rows: Sequence[Row]) -> None:
    if all(row.get(goal.figure) is None for row in rows):
        raise UserError(
            f"pareto: {goal.figure} is null in all {len(rows)} points: give the chips what it is computed from, "
            "or choose another figure"
        )


def check_names(goals: Iterable[Goal], figures: Collection[str]) -> None:
    """UserError for a goal that is none of the figures that points have."""
    for goal in goals:
        if goal.figure not in figures:
            raise UserError(f"pareto: unknown figure {goal.figure!r}: {suggestion(goal.figure, figures)}")


def check_groups(goals: Iterable[Goal], figures: Collection[str]) -> None:
    """As `check_names`, as far as one point can tell: it may lack `prefill.total.latency_ns`, not all of `prefill`."""
    groups = {figure.partition(".")[0] for figure in figures}
    check_names((goal for goal in goals if goal.figure.partition(".")[0] not in groups), figures)


def _cost(row: Row, goal: Goal) -> float:
    value = row[goal.figure]
    assert isinstance(value, int | float)
    return -float(value) if goal.greatest else float(value)
