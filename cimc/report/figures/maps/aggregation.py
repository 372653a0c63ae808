"""The map of a chip with more tiles than a browser draws: equal neighbours are one mark, zooming in shows the arrays.

What looks the same in neighbouring arrays of one line is a single strip across all of them, and the gaps between arrays
are drawn on top, to scale. So a hundred thousand arrays are some hundred marks that look like all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import altair as alt

from cimc.report.figures.figure import faded, layer_color, layer_names, picked, table, zooming
from cimc.report.figures.maps.grid import Grid
from cimc.report.figures.theme import tone
from cimc.report.study import Study

ZOOM = "zoom"
LABELLED = 120
"""Arrays bear their numbers when at most so many are in sight: then there is room above them."""
RUN_COLUMNS = ("layer", "array", "arrays", "row", "rows")


@dataclass(frozen=True)
class Strip:
    """A layer takes `rows` of the rows from `row` on, over all columns, of `arrays` arrays beside each other."""

    layer: int
    array: int
    row: float
    rows: float
    arrays: int = 1


def merged(strips: Iterable[Strip], across: int) -> list[Strip]:
    """Strips, ordered by array, joined with equal ones in the array before, if it stands in the same line."""
    runs: list[Strip] = []
    last: dict[tuple[int, float, float], int] = {}
    for strip in strips:
        key = (strip.layer, strip.row, strip.rows)
        place = last.get(key)
        run = None if place is None else runs[place]
        if place is not None and run is not None and run.array + run.arrays == strip.array and strip.array % across:
            runs[place] = Strip(run.layer, run.array, run.row, run.rows, run.arrays + strip.arrays)
        else:
            last[key] = len(runs)
            runs.append(strip)
    return runs


def aggregated(study: Study, runs: Sequence[Strip], grid: Grid) -> list[alt.Chart]:
    """The layers of the chart: empty arrays, what lies in them, the gaps, and numbers for those who zoom in."""
    return [_lines(grid), _strips(study, runs, grid), *_gaps(grid), _numbers(grid)]


def _lines(grid: Grid) -> alt.Chart:
    """All arrays of a line as one rectangle, empty."""
    rows = [(line, min(grid.across, grid.count - line * grid.across)) for line in range(grid.lines)]
    return (
        alt.Chart(table(("line", "arrays"), rows))
        .transform_calculate(
            x="0",
            x2=f"datum.arrays * {grid.pitch[0]} - {grid.gaps[0]}",
            y=f"datum.line * {grid.pitch[1]}",
            y2=f"datum.y + {grid.rows}",
        )
        .mark_rect(color=tone("empty"), clip=True)
        .encode(*grid.corners)
    )


def _strips(study: Study, runs: Sequence[Strip], grid: Grid) -> alt.Chart:
    rows = ((run.layer, run.array, run.arrays, round(run.row, 3), round(run.rows, 3)) for run in runs)
    last = "datum.array + datum.arrays - 1"
    return (
        alt.Chart(table(RUN_COLUMNS, rows))
        .transform_lookup(lookup="layer", from_=layer_names(study))
        .transform_calculate(
            x=grid.left,
            y=f"{grid.top} + datum.row",
            x2=grid.end_of_run,
            y2="datum.y + datum.rows",
            place=f"datum.arrays == 1 ? '' + datum.array : datum.array + ' to ' + ({last})",
        )
        .mark_rect(clip=True)
        .encode(
            *grid.corners,
            color=layer_color(study, legend=True),
            opacity=faded(),
            tooltip=[
                alt.Tooltip("nodes:N", title="node"),
                alt.Tooltip("kind:N", title="structure"),
                alt.Tooltip("shape:N", title="weight"),
                alt.Tooltip("place:N", title="arrays"),
            ],
        )
        .add_params(picked(), zooming("x", "y", name=ZOOM))
    )


def _gaps(grid: Grid) -> list[alt.Chart]:
    """The room between arrays: as wide as it is, so that it shows when one zooms in."""
    charts: list[alt.Chart] = []
    for axis, other, count in ((0, 1, grid.across), (1, 0, grid.lines)):
        if count < 2:
            continue
        own, along = ("x", "y") if axis == 0 else ("y", "x")
        ends = {
            own: f"datum.gap * {grid.pitch[axis]} - {grid.gaps[axis]}",
            f"{own}2": f"datum.gap * {grid.pitch[axis]}",
            along: "0",
            f"{along}2": str(grid.size[other]),
        }
        chart = alt.Chart(table(("gap",), ((i,) for i in range(1, count)))).transform_calculate(**ends)
        charts.append(chart.mark_rect(color=tone("paper"), clip=True).encode(*grid.corners))
    return charts


def _numbers(grid: Grid) -> alt.Chart:
    """The numbers of the arrays in sight, made when one has zoomed in far enough."""
    seen = {name: f"({ZOOM}.{name} ? {ZOOM}.{name} : [0, {size}])" for name, size in zip("xy", grid.size)}
    first, last = dict[str, str](), dict[str, str]()
    for name, pitch, most in (("x", grid.pitch[0], grid.across), ("y", grid.pitch[1], grid.lines)):
        low = f"min({seen[name]}[0], {seen[name]}[1])"
        high = f"max({seen[name]}[0], {seen[name]}[1])"
        first[name] = f"max(0, floor({low} / {pitch}))"
        last[name] = f"min({most}, ceil({high} / {pitch}))"
    few = f"({last['x']} - {first['x']}) * ({last['y']} - {first['y']}) <= {LABELLED}"
    return (
        alt.Chart(table(("all",), [(0,)]))
        .transform_calculate(line=f"{few} ? sequence({first['y']}, {last['y']}) : []")
        .transform_flatten(["line"])
        .transform_calculate(column=f"sequence({first['x']}, {last['x']})")
        .transform_flatten(["column"])
        .transform_calculate(array=f"datum.line * {grid.across} + datum.column")
        .transform_filter(f"datum.array < {grid.count}")
        .transform_calculate(x=f"datum.column * {grid.pitch[0]}", y=f"datum.line * {grid.pitch[1]}")
        .mark_text(align="left", baseline="bottom", fontSize=8, color=tone("muted"), clip=True)
        .encode(x=grid.x, y=grid.y, text="array:Q")
    )
