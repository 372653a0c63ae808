"""The figures at the head of a page: which there are, what they are called, and how they are shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cimc.report.quantities import AREA, COSINE, COUNT, ENERGY, SHARE, TIME, Unit, shown
from cimc.report.words import worded


@dataclass(frozen=True)
class KeyFigure:
    """A figure of the report, found in its JSON at `path` (keys with dots between them)."""

    path: str
    title: str
    unit: Unit
    compared: bool = True
    """Whether programs are compared by it."""
    modelled: bool = True
    """Whether it comes from a model of the chip, and where there is none is said to be missing."""

    def said_of(self, per: str) -> "KeyFigure":
        """The same, called as what the figures are for has it (`per_of`)."""
        return replace(self, title=worded(self.title, per))

    def value(self, report: Mapping[str, Any]) -> float | None:
        """The number in the report; None where it is not modelled."""
        part: Any = report
        for key in self.path.split("."):
            part = None if part is None else part[key]
        return part


KEY_FIGURES = (
    KeyFigure("arrays", "arrays", COUNT),
    KeyFigure("arrays_lower_bound", "arrays, lower bound", COUNT, compared=False),
    KeyFigure("crossbars", "crossbars", COUNT),
    KeyFigure("crossbars_lower_bound", "crossbars, lower bound", COUNT, compared=False),
    KeyFigure("utilization", "cells in use", SHARE),
    KeyFigure("stored_weights", "stored weights", COUNT),
    KeyFigure("coverage.share", "constant-weight work on arrays", SHARE),
    KeyFigure("latency_ns.parameter", "latency a token, arrays alone", TIME),
    KeyFigure("latency_lower_bound_ns", "latency a token, arrays alone, lower bound", TIME, compared=False),
    KeyFigure("latency_ns.total", "latency a token, with digital operators", TIME),
    KeyFigure("energy_pj.parameter", "energy a token, arrays alone", ENERGY),
    KeyFigure("energy_pj.total", "energy a token, with digital operators and leakage", ENERGY),
    KeyFigure("area_um2", "area", AREA),
    KeyFigure("prefill.total.interval_ns", "from one token to the next in a prefill", TIME),
    KeyFigure("conversions_per_token", "conversions a token", COUNT),
    KeyFigure("permutations_executed", "permutations executed", COUNT),
    KeyFigure("may_clip.conversions", "conversions a token that may clip", COUNT),
    KeyFigure("measured.cosine", "cosine with the original", COSINE, modelled=False),
)


@dataclass(frozen=True)
class Shown:
    """A figure of one report as text, with the number that stands in the JSON."""

    figure: KeyFigure
    value: float
    text: str


def shown_figures(report: Mapping[str, Any]) -> Iterator[Shown]:
    """The key figures that the report has."""
    for figure in KEY_FIGURES:
        value = figure.value(report)
        if value is not None:
            yield Shown(figure.said_of(report["per"]), value, shown(value, figure.unit))


def missing_figures(report: Mapping[str, Any]) -> list[str]:
    """Titles of the key figures that the report leaves open."""
    return [
        figure.said_of(report["per"]).title
        for figure in KEY_FIGURES
        if figure.modelled and figure.value(report) is None
    ]
