"""What the time of a token goes into."""

from collections.abc import Sequence

import altair as alt
import numpy as np

from cimc.report.figures.figure import WIDTH, Figure, Panel, table
from cimc.report.figures.theme import resource_tone, tone
from cimc.report.figures.time_axis import MICROSECOND, NO_TIMES, against_latency, latest, time_axis
from cimc.report.study import Study
from cimc.report.timeline import Resource, Timeline

HEIGHT = 44
PARTS = {
    Resource.ARRAY: ("arrays at work", resource_tone("array")),
    Resource.PROGRAMMING: ("arrays being programmed", resource_tone("programming")),
    Resource.DIGITAL: ("digital units alone", resource_tone("digital unit")),
    Resource.ATTENTION: ("attention units alone", resource_tone("attention unit")),
    Resource.INTERCONNECT: ("transfers alone", resource_tone("interconnect")),
    None: ("nothing at work", tone("rule")),
}
"""What a moment counts as: the first of these that is at work in it."""


def time_parts(studies: Sequence[Study]) -> Figure:
    """One bar for each program, all on the same scale of time."""
    end = latest(studies)
    return Figure(
        "time",
        "Time by component",
        "What is at work in each moment of one token, arrays before digital and attention units before transfers: "
        "together the time that the schedule takes.",
        tuple(_panel(study, end) for study in studies),
        half=True,
    )


def _panel(study: Study, end: float) -> Panel:
    if study.timeline is None or not study.timeline.events:
        return Panel(study.label, None, (NO_TIMES,))
    rows, at = list[tuple[str, float, float, float, str]](), 0.0
    times = time_of_parts(study.timeline)
    for part, duration in times.items():
        share = 100 * duration * MICROSECOND / max(1, study.timeline.end_ps)
        rows.append((PARTS[part][0], at, at + duration, share, f"{duration:.4g} µs, {share:.1f} %"))
        at += duration
    names, colors = zip(*(PARTS[part] for part in times), strict=True)
    color = alt.Color(
        "part:N",
        scale=alt.Scale(domain=names, range=colors),
        legend=alt.Legend(title=None, orient="bottom", direction="horizontal", columns=2),
    )
    chart = (
        alt.Chart(table(("part", "start", "end", "share", "text"), rows))
        .mark_rect(stroke=tone("paper"), strokeWidth=0.5)
        .encode(
            x=time_axis("start", end),
            x2="end",
            color=color,
            tooltip=[alt.Tooltip("part:N", title="component"), alt.Tooltip("text:N", title="time")],
        )
    )
    notes = tuple(against_latency(study, study.timeline))
    return Panel(study.label, chart.properties(width=WIDTH, height=HEIGHT), notes)


def time_of_parts(timeline: Timeline) -> dict[Resource | None, float]:
    """How long each of PARTS is what a moment counts as, in microseconds; the sum is the latency."""
    limits = np.unique([0, timeline.end_ps, *(t for e in timeline.events for t in (e.start_ps, e.end_ps))])
    left = np.diff(limits)
    times: dict[Resource | None, float] = {}
    for part in (p for p in PARTS if p is not None):
        events = [e for e in timeline.events if e.resource is part]
        change = np.zeros(len(limits), np.int64)
        np.add.at(change, np.searchsorted(limits, [e.start_ps for e in events]), 1)
        np.add.at(change, np.searchsorted(limits, [e.end_ps for e in events]), -1)
        at_work = np.cumsum(change)[:-1] > 0
        times[part] = float(left[at_work].sum()) / MICROSECOND
        left = np.where(at_work, 0, left)
    times[None] = float(left.sum()) / MICROSECOND
    return {part: duration for part, duration in times.items() if duration}
