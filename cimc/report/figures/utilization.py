"""How full the arrays are, and how long each of them works during one token."""

from collections.abc import Sequence

import altair as alt
import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.tiles import own_places
from cimc.report.cost.program_time import array_busy_ps
from cimc.report.figures.figure import WIDTH, Figure, Panel, band_gaps, table
from cimc.report.figures.theme import tone
from cimc.report.figures.time_axis import NO_TIMES
from cimc.report.study import Study

BARS = 320
"""More arrays than this are counted by their share, not drawn one by one."""
BINS = 20
HEIGHT = 150


def cells_used(studies: Sequence[Study]) -> Figure:
    """The share of each array's cells that hold a weight."""
    return Figure(
        "cells",
        "Cells in use",
        "Cells that hold a weight, by array: the sum of its tiles' sizes divided by rows times columns.",
        tuple(_panel(study, _cells(study), 100, "accent", "cells in use (%)") for study in studies),
        half=True,
    )


def time_busy(studies: Sequence[Study]) -> Figure:
    """The share of a token's time in which each array works."""
    shares = [None if study.timeline is None else busy_shares(study) for study in studies]
    most = max((float(100 * share.max(initial=0)) for share in shares if share is not None), default=100) or 100
    return Figure(
        "busy",
        "Time in use",
        "How long each array works for one token: the sum of its activations divided by the time of the schedule. "
        "Copies of a weight take turns: each works for one token of so many as there are.",
        tuple(
            Panel(study.label, None, (NO_TIMES,))
            if share is None
            else _panel(study, share, most, "second", "time in use (%)")
            for study, share in zip(studies, shares, strict=True)
        ),
        half=True,
    )


def _cells(study: Study) -> NDArray[np.float64]:
    tiles, chip = study.program.tiles, study.program.chip
    tiles = tiles[own_places(tiles)].astype(np.int64)
    used = np.bincount(tiles[:, 1], tiles[:, 4] * tiles[:, 5], len(study.program.arrays))
    return used / (chip.rows * chip.columns)


def busy_shares(study: Study) -> NDArray[np.float64]:
    """The share of the token's time in which each array works, on average over many tokens."""
    assert study.timeline is not None
    return array_busy_ps(study.program) / max(1, study.timeline.end_ps)


def _panel(study: Study, shares: NDArray[np.float64], most: float, color: str, title: str) -> Panel:
    percent = (100 * shares).round(2)
    if not len(percent):
        return Panel(study.label, None, ("The program uses no array.",))
    if len(percent) > BARS:
        note = f"{len(percent):,} arrays are too many to draw one by one: they are counted by their share."
        return Panel(study.label, _histogram(percent, most, color, title), (note,))
    data = table(("array", "share"), [(i, float(share)) for i, share in enumerate(percent)])
    chart = (
        alt.Chart(data)
        .mark_bar(color=tone(color))
        .encode(
            x=alt.X("array:O", title="array", scale=band_gaps(len(percent)), axis=alt.Axis(labelAngle=0)),
            y=alt.Y("share:Q", title=title, scale=alt.Scale(domain=[0, most])),
            tooltip=["array:O", alt.Tooltip("share:Q", title=title)],
        )
    )
    return Panel(study.label, chart.properties(width=WIDTH, height=HEIGHT))


def _histogram(percent: NDArray[np.float64], most: float, color: str, title: str) -> alt.Chart:
    shares = np.minimum(percent, most)  # they are rounded, so that the greatest may lie above the scale
    counts, edges = np.histogram(shares, BINS, (0, most))
    data = table(("low", "high", "arrays"), zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True))
    return (
        alt.Chart(data)
        .mark_bar(color=tone(color), stroke=tone("paper"))
        .encode(
            x=alt.X("low:Q", bin="binned", title=title, scale=alt.Scale(domain=[0, most])),
            x2="high",
            y=alt.Y("arrays:Q", title="arrays"),
            tooltip=[
                alt.Tooltip("low:Q", title="from (%)", format=".4~"),
                alt.Tooltip("high:Q", title="to (%)", format=".4~"),
                "arrays:Q",
            ],
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
