"""What a figure is: charts of one or more programs with a title, an explanation, and what was left out of them."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import altair as alt
from altair.utils import schemapi

from cimc.report.figures.theme import PARAMETERS
from cimc.report.study import Study

Chart: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart
WIDTH = 960
"""Of a picture, in points; on a page, charts are as wide as there is room."""
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
"""Version of Vega-Lite that Altair writes; vl-convert brings it along."""
MOST_MARKS = 50_000
"""More rectangles than this make a browser slow: figures then show less, and say so."""
LEGEND_ENTRIES = 8
GAPPED = 60
"""Up to so many bars beside each other have gaps between them; thinner ones would lose their colour to these."""
PICKED = "picked"
"""Parameter of all charts: the name of the layer that stands out, or null."""


@dataclass(frozen=True)
class Panel:
    """One chart of a figure, or none where there is nothing to draw; `notes` say why, or what was left out."""

    label: str
    chart: Chart | None
    notes: tuple[str, ...] = ()
    aspect: float | None = None
    """Height by width, where both must grow alike."""

    def spec(self) -> dict[str, Any]:
        """The chart as a Vega-Lite specification with its data inside; not checked where `debug_mode(False)` holds."""
        assert self.chart is not None
        written = self.chart.to_dict(validate=schemapi.DEBUG_MODE)
        return {**written, "config": CONFIG, "autosize": {"type": "fit-x", "contains": "padding"}}


@dataclass(frozen=True)
class Figure:
    """The charts of all programs that show one thing."""

    name: str
    """For file names and links."""
    title: str
    text: str
    """What is seen, and how it is counted."""
    panels: tuple[Panel, ...]
    half: bool = False
    """Two such figures may stand beside each other."""


FONT = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
INK, MUTED, RULE = ({"expr": name} for name in ("ink", "muted", "rule"))
CONFIG: dict[str, Any] = {
    "background": {"expr": "paper"},
    "params": PARAMETERS,
    "padding": {"left": 1, "right": 6, "top": 6, "bottom": 4},
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED, "titleColor": MUTED, "titleFontWeight": "normal", "labelFontSize": 11, "titleFontSize": 11,
        "gridColor": RULE, "gridOpacity": 0.6, "domainColor": RULE, "tickColor": RULE,
        "labelOverlap": "greedy", "labelSeparation": 5,
    },
    "axisX": {"tickCount": {"expr": "ceil(width / 80)"}},
    "legend": {
        "labelColor": INK, "titleColor": MUTED, "titleFontWeight": "normal", "labelFontSize": 11, "titleFontSize": 11,
        "labelLimit": 260, "titleLimit": 600, "symbolType": "square", "symbolStrokeWidth": 0,
    },
    "text": {"color": INK, "font": FONT},
}  # fmt: skip


def table(columns: Sequence[str], rows: Iterable[Sequence[str | float]]) -> alt.InlineData:
    """Data of a chart, as comma-separated values: the shortest form that Vega-Lite reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    kept = list(rows)
    writer.writerows(kept)
    first: Sequence[str | float] = kept[0] if kept else [""] * len(columns)
    types = {name: "string" if isinstance(value, str) else "number" for name, value in zip(columns, first, strict=True)}
    return alt.InlineData(values=text.getvalue(), format=alt.CsvDataFormat(type="csv", parse=types))


def layer_names(study: Study) -> alt.LookupData:
    """Where charts look up what belongs to the number of a layer."""
    shared: dict[int, list[str]] = {}
    for name, owner in zip(study.layer_names, study.owners, strict=True):
        shared.setdefault(owner, []).append(name)
    rows = [
        (
            i,
            name,
            study.layer_names[owner],
            ", ".join(shared[owner]),
            layer.kind,
            f"{layer.shape[0]} x {layer.shape[1]}",
        )
        for i, (name, owner, layer) in enumerate(zip(study.layer_names, study.owners, study.report.layers, strict=True))
    ]
    names = ("layer", "name", "owner", "nodes", "kind", "shape")
    return alt.LookupData(data=table(names, rows), key="layer", fields=list(names[1:]))


def legend_entries(layers: int) -> list[int]:
    """Numbers of the few layers that a legend names, evenly spread over the network."""
    return sorted({round(i * (layers - 1) / (LEGEND_ENTRIES - 1)) for i in range(LEGEND_ENTRIES)}) if layers else []


def layer_color(study: Study, *, legend: bool = False) -> alt.Color:
    """The colour of `layer`, the number of a layer; a legend names a few of them."""
    count, entries = len(study.colors), legend_entries(len(study.colors))
    title = "layers in the order of the network" + (
        f", {len(entries)} of {count} named" if len(entries) < count else ""
    )
    named = alt.Legend(
        title=title, values=entries, orient="bottom", direction="horizontal", columns=4,
        labelExpr=f"{json.dumps(study.layer_names)}[datum.value]",
    )  # fmt: skip
    return alt.Color("layer:O", scale=layer_scale(study), legend=named if legend else None)


def layer_scale(study: Study) -> alt.Scale:
    """The colours of layers by their number."""
    return alt.Scale(domain=list(range(len(study.colors))), range=study.colors)


def band_gaps(bars: int) -> alt.Scale:
    """The scale of so many bars beside each other, with gaps as long as bars are wide enough for them."""
    return alt.Scale(paddingInner=0.12 if bars <= GAPPED else 0, paddingOuter=0.06)


def picked() -> alt.Parameter:
    """The parameter PICKED; the page sets it when a layer is clicked."""
    return alt.param(name=PICKED, value=None)


def faded(least: float = 0.12) -> alt.typing.ChannelOpacity | Any:
    """Full opacity, but for layers that are not the picked one."""
    return alt.condition(f"{PICKED} === null || {PICKED} === datum.owner", alt.value(1), alt.value(least))


def zooming(*encodings: Literal["x", "y"], name: str | None = None) -> alt.Parameter:
    """Drag to move, Ctrl and wheel (or a pinch) to zoom, double click to go back: the wheel alone moves the page.

    Expressions find what is in sight under `name`.
    """
    return alt.selection_interval(name, bind="scales", encodings=encodings, zoom="wheel![event.ctrlKey]")
