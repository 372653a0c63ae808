"""What each ADC of one array does: it is chosen on the page, in a picture the one that works longest."""

from collections.abc import Iterator, Mapping, Sequence

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
from cimc.report.figures.time_axis import (
    LANES,
    MICROSECOND,
    NO_TIMES,
    edge_color,
    edge_width,
    evenly,
    lane_axis,
    latest,
    time_axis,
    working,
)
from cimc.report.study import Study
from cimc.report.timeline import Activation, Timeline

LANE = 16
COLUMNS = ("array", "start", "planes", "columns", "bits", "adc", "layer", "layers", "stage")


def converters(studies: Sequence[Study]) -> Figure:
    """One lane for each ADC of an array, all programs on the same scale of time."""
    end = latest(studies)
    return Figure(
        "converters",
        "ADCs of one array",
        "Each lane is an ADC (of every slice alike: slices convert at the same time). The columns of an activation are "
        "dealt out to the ADCs in turn, so that some are done one conversion earlier in each plane than others.",
        tuple(_panel(study, end) for study in studies),
    )


def _panel(study: Study, end: float) -> Panel:
    timeline = study.timeline
    if timeline is None or not timeline.activations:
        return Panel(study.label, None, (NO_TIMES,))
    busy = working(timeline)
    kept = evenly(list(busy), min(LANES, max(1, len(busy) * MOST_MARKS // len(timeline.activations))))
    notes = () if len(kept) == len(busy) else (f"{len(kept)} of {len(busy):,} arrays can be chosen.",)
    return Panel(study.label, _chart(study, timeline, {array: busy[array] for array in kept}, end), notes)


def _chart(study: Study, timeline: Timeline, busy: Mapping[int, int], end: float) -> alt.Chart:
    adcs = study.program.chip.adcs
    choice = alt.param(
        name="array",
        value=max(busy, key=lambda array: busy[array]),
        bind=alt.BindRadioSelect(input="select", options=list(busy), name="array "),
    )
    return (
        _conversions(study, timeline, busy)
        .mark_rect(clip=True)
        .encode(
            x=time_axis("start", end),
            x2="end",
            y=lane_axis(list(map(str, range(adcs))), "ADC"),
            y2="bottom",
            color=layer_color(study),
            opacity=faded(),
            stroke=edge_color(study),
            strokeWidth=edge_width(),
            tooltip=[
                alt.Tooltip("name:N", title="node"),
                alt.Tooltip("layers:Q", title="layers at the same time"),
                alt.Tooltip("adc_number:Q", title="ADC"),
                alt.Tooltip("conversions:Q", title="conversions in a plane"),
                alt.Tooltip("planes:Q", title="planes"),
                alt.Tooltip("bits:Q", title="bits"),
                alt.Tooltip("stage:Q", title="stage"),
                alt.Tooltip("start:Q", title="from (µs)"),
                alt.Tooltip("end:Q", title="to (µs)", format=".6~"),
            ],
        )
        .add_params(choice, picked(), zooming("x"))
        .properties(width=WIDTH, height=LANE * adcs)
    )


def _conversions(study: Study, timeline: Timeline, arrays: Mapping[int, int]) -> alt.Chart:
    """The activations of the chosen array, one row for each ADC that takes part: the browser makes them."""
    adcs, settle = study.program.chip.adcs, timeline.settle_ps / MICROSECOND
    return (
        alt.Chart(table(COLUMNS, _rows(timeline.activations, arrays)))
        .transform_filter("datum.array === array")
        .transform_lookup(lookup="layer", from_=layer_names(study))
        .transform_calculate(adc_number=f"sequence({adcs})")
        .transform_flatten(["adc_number"])
        .transform_calculate(conversions=f"ceil((datum.columns - datum.adc_number) / {adcs})")
        .transform_filter("datum.conversions > 0")
        .transform_calculate(
            end=f"datum.start + datum.planes * ({settle} + datum.conversions * datum.adc)",
            top="datum.adc_number + 0.1",
            bottom="datum.adc_number + 0.9",
        )
    )


def _rows(activations: Sequence[Activation], arrays: Mapping[int, int]) -> Iterator[tuple[float, ...]]:
    for a in activations:
        if a.array in arrays:
            start, adc = a.start_ps / MICROSECOND, a.adc_ps / MICROSECOND
            yield a.array, start, a.planes, a.columns, a.bits, adc, a.layer, a.layers, a.stage
