"""Every figure of a page, in its order."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from cimc.report.cost.vectors import TOKEN
from cimc.report.figures.activity import activity
from cimc.report.figures.comparison import comparison
from cimc.report.figures.components import time_parts
from cimc.report.figures.converters import converters
from cimc.report.figures.figure import Figure
from cimc.report.figures.layers import layer_energies, layer_times
from cimc.report.figures.maps.occupancy import occupancy
from cimc.report.figures.pipeline import pipeline
from cimc.report.figures.schedule import schedule
from cimc.report.figures.shares import all_energy, area, array_energy
from cimc.report.figures.utilization import cells_used, time_busy
from cimc.report.study import Study
from cimc.report.words import CLOCK, per_of, worded

Draw: TypeAlias = Callable[[Sequence[Study]], Figure]

FIGURES: tuple[Draw, ...] = (
    occupancy, cells_used, time_busy, time_parts, area, array_energy, all_energy,
    activity, schedule, pipeline, converters, layer_times, layer_energies,
)  # fmt: skip
CLOCKED = frozenset({"busy", "time", "activity", "schedule", "converters"})
"""Figures of the program's own clock, which is that of one vector in each multiplication."""
COMPARING: tuple[Draw, ...] = (comparison, *FIGURES)


def figures_of(studies: Sequence[Study]) -> list[Figure]:
    """The figures of one program, or of several side by side."""
    figures = [draw(studies) for draw in (FIGURES if len(studies) == 1 else COMPARING)]
    per = per_of(study.report for study in studies)
    return figures if per == TOKEN else [_of(figure, CLOCK if figure.name in CLOCKED else per) for figure in figures]


def _of(figure: Figure, per: str) -> Figure:
    return replace(figure, title=worded(figure.title, per), text=worded(figure.text, per))
