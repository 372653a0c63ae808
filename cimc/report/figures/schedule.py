"""When what works: a Gantt chart of stages, transfers, digital units and arrays for one token."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import altair as alt

from cimc.report.figures.figure import (
    MOST_MARKS,
    WIDTH,
    Figure,
    Panel,
    faded,
    layer_color,
    layer_names,
    picked,
    table,
    zooming,
)
from cimc.report.figures.joined_bars import Joined, joined
from cimc.report.figures.theme import resource_tone, tone
from cimc.report.figures.time_axis import (
    LANES,
    MICROSECOND,
    NO_TIMES,
    against_latency,
    edge_color,
    edge_width,
    evenly,
    lane_axis,
    latest,
    time_axis,
    working,
)
from cimc.report.quantities import TIME, shown
from cimc.report.study import Study
from cimc.report.timeline import Event, Resource, Timeline

Lanes: TypeAlias = Mapping[tuple[Resource, int], int]
"""The lane of each array and unit, counted from the top."""

ABOVE = (Resource.INTERCONNECT, Resource.DIGITAL, Resource.ATTENTION)
"""What has lanes above the arrays, in this order."""
IN_ARRAYS = (Resource.ARRAY, Resource.PROGRAMMING)
"""What has the lane of an array."""
UNJOINED = 12_000
"""Up to so many bars are drawn one by one: a page is to stay below 5 MB, and a browser draws 15 a millisecond."""
MOST_BARS = 8_000
"""Of a schedule that has more."""
PROGRAMMED = (
    " Weights pass through the chip in parts: arrays of different loads are the same ones of the chip, and have a bar "
    "of a colour of its own while they are programmed."
)
"""Of programs with loads."""
BAR = 0.84
"""Height of a bar in its lane."""
COLUMNS = ("resource", "unit", "what", "node", "stage", "layer", "start", "end", "top", "bottom")


def schedule(studies: Sequence[Study]) -> Figure:
    """One lane for each array and unit, all programs on the same scale of time."""
    end = latest(studies)
    return Figure(
        "schedule",
        "Schedule of one token",
        "Each lane is an array, a digital or attention unit or a way of the interconnect; a bar is the time in which "
        "it works, in the colour of its layer if it has one. Shaded columns are stages; where stages overlap, they are "
        "grey bars at the top." + (PROGRAMMED if any(study.report.reload for study in studies) else ""),
        tuple(_panel(study, end) for study in studies),
    )


def _panel(study: Study, end: float) -> Panel:
    timeline = study.timeline
    if timeline is None or not timeline.events:
        return Panel(study.label, None, (NO_TIMES,))
    arrays = list(working(timeline))
    kept = evenly(arrays, LANES)
    events = _events(timeline, kept)
    bars = joined(events, MOST_BARS) if len(events) > min(UNJOINED, MOST_MARKS) else Joined(events, 0)
    if len(bars.events) > MOST_MARKS:
        kept = evenly(kept, max(1, len(kept) * MOST_MARKS // len(bars.events)))
        bars = joined(_events(timeline, kept), MOST_BARS)
    notes: list[str] = []
    if len(kept) < len(arrays):
        notes.append(f"Only {len(kept)} of {len(arrays):,} arrays are drawn, evenly chosen.")
    if bars.gap_ps:
        gap = shown(bars.gap_ps / 1000, TIME)
        notes.append(
            f"{len(events):,} bars are too many to draw one by one: those of one layer on one unit are one bar where "
            f"at most {gap} lie between them. cim-report --trace writes all of them."
        )
    if len(bars.events) > MOST_MARKS:
        notes.append(f"Only the first {MOST_MARKS:,} of {len(bars.events):,} bars are drawn.")
    chart = _chart(study, timeline, bars.events[:MOST_MARKS], kept, end)
    return Panel(study.label, chart, (*notes, *against_latency(study, timeline)))


def _events(timeline: Timeline, kept: Sequence[int]) -> list[Event]:
    """The events of all units and of the arrays that are kept."""
    arrays = set(kept)
    return [e for e in timeline.events if e.resource in ABOVE or (e.resource in IN_ARRAYS and e.unit in arrays)]


def _chart(
    study: Study, timeline: Timeline, events: Sequence[Event], kept: Sequence[int], end: float
) -> alt.LayerChart | alt.FacetChart:
    used = {(event.resource, event.unit) for event in events}
    units = [(resource, unit) for resource in ABOVE for unit in sorted(u for r, u in used if r is resource)]
    stages = [event for event in timeline.events if event.resource is Resource.STAGE]
    beside = [(Resource.STAGE, lane) for lane in range(1 + max((s.unit for s in stages), default=0))]
    above = [*beside, *units] if len(beside) > 1 else units
    lanes = {lane: i for i, lane in enumerate([*above, *((Resource.ARRAY, array) for array in kept)])}
    y = lane_axis([_lane_name(*lane) for lane in lanes], "array")
    height = (6 if len(kept) > 100 else 10 if len(kept) > 40 else 18) * len(lanes)
    lanes |= {(Resource.PROGRAMMING, array): lanes[Resource.ARRAY, array] for array in kept}
    layers = [
        _stages(stages, end) if len(beside) < 2 else _overlapping(stages, lanes, y, end),
        _of_layers(study, [event for event in events if event.layer is not None], lanes, y, end),
        _of_units([event for event in events if event.layer is None], lanes, y, end),
    ]
    own = alt.Resolve(scale=alt.ScaleResolveMap(stroke="independent"))
    return alt.layer(*layers, resolve=own).properties(width=WIDTH, height=height)


def _of_layers(study: Study, events: Sequence[Event], lanes: Lanes, y: alt.Y, end: float) -> alt.Chart:
    """Bars in the colours of layers: row groups, and additions of their partial sums."""
    return (
        _bars(events, lanes)
        .transform_lookup(lookup="layer", from_=layer_names(study))
        .mark_rect(clip=True)
        .encode(
            x=time_axis("start", end),
            x2="end",
            y=y,
            y2="bottom",
            color=layer_color(study, legend=True),
            opacity=faded(),
            stroke=edge_color(study),
            strokeWidth=edge_width(),
            tooltip=_tooltip("name:N"),
        )
        .add_params(picked(), zooming("x"))
    )


def _of_units(events: Sequence[Event], lanes: Lanes, y: alt.Y, end: float) -> alt.Chart:
    """Bars in colours of their own: transfers, digital operators, programming; never so thin that they vanish."""
    known = (*ABOVE, Resource.PROGRAMMING)
    colors = alt.Scale(domain=[str(resource) for resource in known], range=[resource_tone(str(r)) for r in known])
    return (
        _bars(events, lanes)
        .mark_rect(clip=True, strokeWidth=0.8)
        .encode(
            x=time_axis("start", end),
            x2="end",
            y=y,
            y2="bottom",
            fill=alt.Fill("resource:N", scale=colors, legend=None),
            stroke=alt.Stroke("resource:N", scale=colors, legend=None),
            tooltip=_tooltip("node:N"),
        )
    )


def _bars(events: Sequence[Event], lanes: Lanes) -> alt.Chart:
    return alt.Chart(table(COLUMNS, (_bar(event, lanes[event.resource, event.unit]) for event in events)))


def _bar(event: Event, lane: int) -> tuple[str | float, ...]:
    """The row of COLUMNS; of an activation that several layers share, each has its part of the height."""
    top = lane + (1 - BAR) / 2 + BAR * event.part / event.parts
    return (
        str(event.resource),
        event.unit,
        event.does,
        event.node if event.layer is None else "",  # others are looked up by their layer
        "" if event.stage is None else str(event.stage),
        -1 if event.layer is None else event.layer,
        event.start_ps / MICROSECOND,
        event.end_ps / MICROSECOND,
        round(top, 3),
        round(top + BAR / event.parts, 3),
    )


def _lane_name(resource: Resource, unit: int) -> str:
    if resource is Resource.STAGE:
        return "stages"
    return str(unit) if resource is Resource.ARRAY else f"{resource} {unit}"


def _stages(stages: Sequence[Event], end: float) -> alt.Chart:
    """Every other stage has a shade."""
    rows = [(e.does, e.start_ps / MICROSECOND, e.end_ps / MICROSECOND, i % 2) for i, e in enumerate(stages)]
    return (
        alt.Chart(table(("stage", "start", "end", "odd"), rows))
        .mark_rect(clip=True, color=tone("empty"))
        .encode(
            x=time_axis("start", end),
            x2="end",
            y=alt.value(0),
            y2=alt.value("height"),
            opacity=alt.condition("datum.odd", alt.value(1), alt.value(0.35)),
            tooltip=["stage:N"],
        )
    )


def _overlapping(stages: Sequence[Event], lanes: Lanes, y: alt.Y, end: float) -> alt.Chart:
    """Stages that overlap are bars in lanes of their own."""
    return (
        _bars(stages, lanes)
        .mark_rect(clip=True, color=tone("empty"), stroke=tone("muted"), strokeWidth=0.5)
        .encode(x=time_axis("start", end), x2="end", y=y, y2="bottom", tooltip=["what:N", "start:Q", "end:Q"])
    )


def _tooltip(node: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(node, title="node"),
        alt.Tooltip("resource:N", title="on"),
        alt.Tooltip("unit:Q", title="number"),
        alt.Tooltip("what:N", title="does"),
        alt.Tooltip("stage:N", title="stage"),
        alt.Tooltip("start:Q", title="from (µs)"),
        alt.Tooltip("end:Q", title="to (µs)"),
    ]
