"""How many arrays work at each moment of a token."""

from collections.abc import Sequence

import altair as alt
import numpy as np

from cimc.report.figures.figure import WIDTH, Figure, Panel, table, zooming
from cimc.report.figures.theme import tone
from cimc.report.figures.time_axis import MICROSECOND, NO_TIMES, latest, time_axis
from cimc.report.study import Study
from cimc.report.timeline import Resource, Timeline

HEIGHT = 130


def activity(studies: Sequence[Study]) -> Figure:
    """The number of arrays at work, all programs on the same scale of time."""
    end, arrays = latest(studies), max(len(study.program.arrays) for study in studies)
    return Figure(
        "activity",
        "Arrays at work",
        "How many of the chip's arrays work at each moment of one token; in gaps there are only transfers, additions "
        "and digital operators.",
        tuple(_panel(study, end, arrays) for study in studies),
    )


def _panel(study: Study, end: float, arrays: int) -> Panel:
    if study.timeline is None or not study.timeline.events:
        return Panel(study.label, None, (NO_TIMES,))
    rows = steps(study.timeline)
    chart = (
        alt.Chart(table(("time", "arrays"), rows))
        .mark_area(interpolate="step-after", color=tone("accent"), opacity=0.75, clip=True)
        .encode(
            x=time_axis("time", end),
            y=alt.Y(
                "arrays:Q", title="arrays at work", axis=alt.Axis(tickMinStep=1), scale=alt.Scale(domain=[0, arrays])
            ),
        )
        .add_params(zooming("x"))
    )
    return Panel(study.label, chart.properties(width=WIDTH, height=HEIGHT))


def steps(timeline: Timeline) -> list[tuple[float, int]]:
    """Each time [us] at which the number of working arrays changes, and the number from then on."""
    working = [e for e in timeline.events if e.resource is Resource.ARRAY and not e.part]
    times = np.array([e.start_ps for e in working] + [e.end_ps for e in working], np.int64)
    change = np.repeat(np.array([1, -1]), len(working))
    moments, which = np.unique(times, return_inverse=True)
    sums = np.cumsum(np.bincount(which.reshape(-1), change, len(moments))).astype(np.int64)
    return [(0.0, 0), *zip((moments / MICROSECOND).tolist(), sums.tolist(), strict=True)]
