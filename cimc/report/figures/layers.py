"""Time and energy of each layer, in the order of the network."""

from collections.abc import Callable, Sequence

import altair as alt

from cimc.report.figures.figure import (
    WIDTH,
    Figure,
    Panel,
    band_gaps,
    faded,
    layer_color,
    layer_names,
    picked,
    table,
)
from cimc.report.layer import Layer
from cimc.report.quantities import ENERGY, TIME, Unit, scale_of
from cimc.report.study import Study

HEIGHT = 160
MOST_LAYERS = 600
"""More than this are not told apart; those with the largest figures are drawn."""


def layer_times(studies: Sequence[Study]) -> Figure:
    """Latency by layer, all programs on the same scale."""
    return Figure(
        "layer-time",
        "Time by layer",
        "Latency of each layer for one token, in the order of the network. Layers of one stage run at the same time, "
        "so these do not add up to the latency of the program.",
        _panels(studies, lambda layer: layer.latency_ns, TIME, "time"),
        half=True,
    )


def layer_energies(studies: Sequence[Study]) -> Figure:
    """Energy by layer, all programs on the same scale."""
    return Figure(
        "layer-energy",
        "Energy by layer",
        "Dynamic energy of each layer in the arrays for one token, in the order of the network.",
        _panels(studies, lambda layer: layer.energy_pj, ENERGY, "energy"),
        half=True,
    )


def _panels(
    studies: Sequence[Study], value: Callable[[Layer], float | None], unit: Unit, quantity: str
) -> tuple[Panel, ...]:
    largest = max((value(layer) or 0 for study in studies for layer in study.report.layers), default=0)
    return tuple(_panel(study, value, unit, quantity, largest) for study in studies)


def _panel(study: Study, value: Callable[[Layer], float | None], unit: Unit, quantity: str, largest: float) -> Panel:
    values = [(i, v) for i, layer in enumerate(study.report.layers) if (v := value(layer)) is not None]
    if not values:
        return Panel(study.label, None, (f"The program has no {quantity} by layer, so this is not shown.",))
    kept = sorted(sorted(values, key=lambda pair: -pair[1])[:MOST_LAYERS])
    notes = () if len(kept) == len(values) else (f"Only the largest {len(kept)} of {len(values)} layers are drawn.",)
    divisor, name = scale_of(largest, unit)
    rows = [(i, i + 1, v / divisor, study.report.layers[i].stage) for i, v in kept]
    chart = (
        alt.Chart(table(("layer", "number", "value", "stage"), rows))
        .transform_lookup(lookup="layer", from_=layer_names(study))
        .mark_bar()
        .encode(
            x=alt.X("number:O", title="layer", axis=alt.Axis(labelAngle=0), scale=band_gaps(len(rows))),
            y=alt.Y("value:Q", title=f"{quantity} ({name})", scale=alt.Scale(domain=[0, largest / divisor])),
            color=layer_color(study),
            opacity=faded(0.25),
            tooltip=[
                alt.Tooltip("name:N", title="node"),
                alt.Tooltip("value:Q", title=f"{quantity} ({name})", format=".4~"),
                alt.Tooltip("kind:N", title="structure"),
                alt.Tooltip("shape:N", title="weight"),
                alt.Tooltip("stage:Q", title="stage"),
            ],
        )
        .add_params(picked())
    )
    return Panel(study.label, chart.properties(width=WIDTH, height=HEIGHT), notes)
