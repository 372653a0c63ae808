"""How many arrays work at each moment of a token."""

from collections.abc import Sequence

import altair as alt
import numpy as np

from cimc.report.figures.figure import WIDTH, Figure, Panel, table, zooming
from cimc.report.figures.theme import resource_tone
from cimc.report.figures.time_axis import MICROSECOND, NO_TIMES, latest, time_axis
from cimc.report.study import Study
from cimc.report.timeline import Resource, Timeline

HEIGHT = 130
PROGRAMMED = " In a colour of their own, arrays that are programmed: weights pass through the chip in parts."
"""Of programs with loads."""


def activity(studies: Sequence[Study]) -> Figure:
    """The number of arrays at work, all programs on the same scale of time."""
    end, arrays = latest(studies), max(_most_at_once(study) for study in studies)
    programmed = any(study.report.reload for study in studies)
    return Figure(
        "activity",
        "Arrays at work",
        "How many of the chip's arrays work at each moment of one token; in gaps there are only transfers, additions "
        "and digital operators." + (PROGRAMMED if programmed else ""),
        tuple(_panel(study, end, arrays) for study in studies),
    )


def _panel(study: Study, end: float, arrays: int) -> Panel:
    if study.timeline is None or not study.timeline.events:
        return Panel(study.label, None, (NO_TIMES,))
    chart = _area(study.timeline, Resource.ARRAY, end, arrays).add_params(zooming("x"))
    if study.report.reload is not None:
        chart = alt.layer(_area(study.timeline, Resource.PROGRAMMING, end, arrays), chart)
    return Panel(study.label, chart.properties(width=WIDTH, height=HEIGHT))


def _most_at_once(study: Study) -> int:
    """How many arrays may work at a time: where weights pass through the chip in parts, those of a load."""
    return len(study.program.arrays) if study.report.reload is None else study.report.reload.arrays


def _area(timeline: Timeline, resource: Resource, end: float, arrays: int) -> alt.Chart:
    return (
        alt.Chart(table(("time", "arrays"), steps(timeline, resource)))
        .mark_area(interpolate="step-after", color=resource_tone(str(resource)), opacity=0.75, clip=True)
        .encode(
            x=time_axis("time", end),
            y=alt.Y(
                "arrays:Q", title="arrays at work", axis=alt.Axis(tickMinStep=1), scale=alt.Scale(domain=[0, arrays])
            ),
        )
    )


def steps(timeline: Timeline, resource: Resource = Resource.ARRAY) -> list[tuple[float, int]]:
    """Each time [us] at which the number of arrays that work (or are programmed) changes, and it from then on."""
    working = [e for e in timeline.events if e.resource is resource and not e.part]
    times = np.array([e.start_ps for e in working] + [e.end_ps for e in working], np.int64)
    change = np.repeat(np.array([1, -1]), len(working))
    moments, which = np.unique(times, return_inverse=True)
    sums = np.cumsum(np.bincount(which.reshape(-1), change, len(moments))).astype(np.int64)
    return [(0.0, 0), *zip((moments / MICROSECOND).tolist(), sums.tolist(), strict=True)]
