"""What the figures of a sweep are called, and how they are shown: as in reports."""

from cimc.report.key_figures import KEY_FIGURES
from cimc.report.quantities import AREA, COSINE, COUNT, ENERGY, POWER, TIME, Unit, plainly, shown
from cimc.sweep.grid import Goal
from cimc.sweep.quality import BITS_PER_BYTE, PERPLEXITY
from cimc.sweep.store import Cell

_KEY_FIGURES = {figure.path: figure for figure in KEY_FIGURES}
_OTHERS = {
    PERPLEXITY: "perplexity",
    BITS_PER_BYTE: "bits per byte",
    "measured.largest_difference": "largest difference from the original",
    "measured.clipped": "conversions that clipped",
    "measured.conversions": "conversions measured",
}
"""Figures that reports have at another place, or not at all."""
_UNITS = {"_ns": TIME, "_pj": ENERGY, "_um2": AREA, "_uw": POWER}
"""By what a name in the path of a figure ends with."""


def title_of(figure: str) -> str:
    """What a report calls the figure; its path, where no report has it at its head."""
    if figure in _KEY_FIGURES:
        return _KEY_FIGURES[figure].title
    return _OTHERS.get(figure, figure)


def unit_of(figure: str) -> Unit:
    """In what it is counted."""
    if figure in _KEY_FIGURES:
        return _KEY_FIGURES[figure].unit
    units = (unit for name in figure.split(".") for end, unit in _UNITS.items() if name.endswith(end))
    return next(units, COSINE if figure.endswith(".cosine") else COUNT)


def goal_text(goal: Goal) -> str:
    """A goal in words."""
    return f"{'greatest' if goal.greatest else 'least'} {title_of(goal.figure)}"


def figure_text(figure: str, value: Cell, *, plain: bool = False) -> str:
    """A figure with its unit, in letters that every terminal has if it is to be `plain`; "" where there is none."""
    if value is None:
        return ""
    assert isinstance(value, int | float)
    return (plainly if plain else shown)(value, unit_of(figure))
