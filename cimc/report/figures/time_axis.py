"""What figures over time have in common: their axis, which arrays they draw, the edges of their bars."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from cimc.report.cost.dimensions import sizes_text
from cimc.report.figures.figure import layer_scale
from cimc.report.figures.theme import tone
from cimc.report.quantities import TIME, shown
from cimc.report.study import Study
from cimc.report.timeline import Resource, Timeline

MICROSECOND = 1e6
"""In picoseconds."""
LANES = 200
"""Arrays drawn one by one; of more, so many evenly chosen ones."""
_WIDTH, _HEIGHT = (
    "(scale('x', datum.end) - scale('x', datum.start))",
    "(scale('y', datum.bottom) - scale('y', datum.top))",
)
_HAS_ROOM = f"{_WIDTH} > 4 && {_HEIGHT} > 4"
"""Of a bar, in pixels as it is shown: an edge around what is smaller would take its colour away."""
NO_TIMES = "The program has no times, so this is not shown."


def latest(studies: Sequence[Study]) -> float:
    """When the last program is done, in microseconds."""
    return max((s.timeline.end_ps for s in studies if s.timeline is not None), default=0) / MICROSECOND


def time_axis(field: str, end: float) -> alt.X:
    """The horizontal axis from 0 to `end` microseconds."""
    return alt.X(f"{field}:Q", title="time (µs)", scale=alt.Scale(domain=[0, end], nice=False))


def lane_axis(names: Sequence[str], title: str) -> alt.Y:
    """The vertical axis of `top`: lanes of height 1 from the top, each with its name beside its middle."""
    axis = alt.Axis(
        values=[lane + 0.5 for lane in range(len(names))],
        labelExpr=f"{json.dumps(names)}[floor(datum.value)]",
        grid=False,
        ticks=False,
        domain=False,
    )
    return alt.Y("top:Q", title=title, axis=axis, scale=alt.Scale(domain=[len(names), 0], nice=False))


def edge_color(study: Study) -> Any:
    """Of the edges of bars from `start` to `end` and `top` to `bottom`: what is too thin for one has its own colour."""
    own = alt.Stroke("layer:O", scale=layer_scale(study), legend=None)
    return alt.condition(_HAS_ROOM, alt.value(tone("paper")), own)


def edge_width() -> Any:
    """A fine edge where there is room for one; what is too short to be seen is made so wide that it is."""
    return alt.when(_HAS_ROOM).then(alt.value(0.4)).when(f"{_WIDTH} < 1").then(alt.value(0.8)).otherwise(alt.value(0))


def against_latency(study: Study, timeline: Timeline) -> Iterator[str]:
    """Where the schedule takes another time than the report's latency: which, and why."""
    own, latency = timeline.end_ps / 1000, study.report.latency_ns["total"]
    if latency is not None and abs(own - latency) > 0.001 * latency:
        sizes = sizes_text(study.report.conditions["dims"])
        yield (
            f"The schedule takes {shown(own, TIME)}, the latency with digital operators is {shown(latency, TIME)}: the "
            "schedule was made by the compiler, which took 1 for every dimension that was left open; the latency is "
            f"that of the same order with digital operators for {sizes or 'the whole run'}."
        )


def working(timeline: Timeline) -> dict[int, int]:
    """How long each array works [ps], by its number in ascending order; without those that never do."""
    busy = Counter[int]()
    for event in timeline.events:
        if event.resource is Resource.ARRAY and not event.part:
            busy[event.unit] += event.duration_ps
    return dict(sorted(busy.items()))


def evenly(arrays: Sequence[int], most: int) -> list[int]:
    """At most so many of the arrays, at equal distances."""
    return [arrays[i * len(arrays) // most] for i in range(most)] if len(arrays) > most else list(arrays)
