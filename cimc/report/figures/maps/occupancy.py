"""Which layer sits where: every array of the chip with the tiles in it."""

from collections.abc import Iterator, Sequence

import altair as alt
import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.copies import copies_of_tiles
from cimc.program.arrays.tiles import own_places
from cimc.report.cost.reload import arrays_of_loads
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
from cimc.report.figures.maps.aggregation import Strip, aggregated, merged
from cimc.report.figures.maps.grid import NUMBERED, Grid
from cimc.report.figures.theme import tone
from cimc.report.formats import Marked, marked_formats
from cimc.report.study import Study

MOST_STRIPS = 20_000
COLUMNS = ("layer", "array", "row", "column", "rows", "columns", "from_row", "from_column")
_HAS_ROOM = " && ".join(f"abs(scale('{axis}', datum.{axis}2) - scale('{axis}', datum.{axis})) > 4" for axis in "xy")
"""Of a tile, in pixels as it is shown: an edge around what is smaller would take its colour away."""
MOST_LOADS = 8
"""Of which a note tells the arrays."""
_BANDS = " A band below each array has the colour of its format."


def occupancy(studies: Sequence[Study]) -> Figure:
    """The map of a chip for each program."""
    several = any(marked_formats(study.program) for study in studies)
    return Figure(
        "occupancy",
        "Array occupancy",
        "Every square is an array, every rectangle in it a tile, drawn to scale with the rows from top to bottom; grey "
        "cells hold nothing. Colours follow the layers from the first to the last." + (_BANDS if several else ""),
        tuple(_panel(study) for study in studies),
    )


def _panel(study: Study) -> Panel:
    count = len(study.program.arrays)
    if not count:
        return Panel(study.label, None, ("The program uses no array.",))
    formats = marked_formats(study.program)
    grid = Grid.of(study.program.chip, count, banded=bool(formats))
    shared = len(study.program.tiles) - len(_tiles(study))
    note = f"{shared:,} tiles more lie where an equal one does: the first of each place is drawn."
    if len(_tiles(study)) > MOST_MARKS:
        layers, notes = _aggregated(study, grid)
    else:
        layers, notes = [_frames(study, grid), _drawn(study, grid)], ()
        layers += [_numbers(study, grid)] if count <= NUMBERED else []
    chart = alt.layer(*layers, *([_bands(formats, grid)] if formats else []))
    notes = (*notes, note) if shared else notes
    notes = (*notes, *_loads(study))
    return Panel(study.label, chart.properties(width=WIDTH, height=round(WIDTH * grid.aspect)), notes, grid.aspect)


def _loads(study: Study) -> Iterator[str]:
    """That arrays of several numbers are one of the chip, where weights pass through it in parts."""
    loads = arrays_of_loads(study.program)
    if loads:
        own = [f"{arrays[0]} to {arrays[-1]}" for arrays in list(loads.values())[:MOST_LOADS]]
        rest = f", and so on: {len(loads):,} loads" if len(loads) > MOST_LOADS else ""
        yield (
            f"Not all at once: weights pass through the chip in parts, one load after the other (arrays "
            f"{', '.join(own)}{rest})."
        )


def _tiles(study: Study) -> NDArray[np.int64]:
    """The rows of the table of tiles that have a place of their own."""
    tiles = study.program.tiles
    return tiles[own_places(tiles)].astype(np.int64)


def _aggregated(study: Study, grid: Grid) -> tuple[list[alt.Chart], tuple[str, ...]]:
    """What each layer takes of each array, with equal neighbours as one mark."""
    runs, tiles = merged(_strips(study), grid.across), len(_tiles(study))
    note = (
        f"{tiles:,} tiles are too many to draw one by one: each layer's share of each array is a strip instead, and "
        "equal neighbours are one. Zoom in to see the numbers of the arrays."
    )
    if len(runs) <= MOST_STRIPS:
        return aggregated(study, runs, grid), (note,)
    last = runs[MOST_STRIPS - 1].array
    left = f"Arrays after number {last} of {grid.count:,} are left out."
    return aggregated(study, runs[:MOST_STRIPS], grid), (note, left)


def _strips(study: Study) -> Iterator[Strip]:
    """For each array and layer one strip over all columns, as high as the cells that the layer takes."""
    tiles, chip = _tiles(study), study.program.chip
    key, which = np.unique(tiles[:, 1] * (1 + tiles[:, 0].max()) + tiles[:, 0], return_inverse=True)
    cells = np.zeros(len(key), np.int64)
    np.add.at(cells, which, tiles[:, 4] * tiles[:, 5])
    array, row = -1, 0.0
    for (number, weight), count in zip(zip(*np.divmod(key, 1 + tiles[:, 0].max())), cells.tolist(), strict=True):
        row = row if number == array else 0.0
        array, height = number, count / chip.columns
        yield Strip(study.owner_of_weight.get(int(weight), -1), int(number), row, height)
        row += height


def _arrays(grid: Grid) -> alt.Chart:
    rows = ((i,) for i in range(grid.count))
    return alt.Chart(table(("array",), rows)).transform_calculate(x=grid.left, y=grid.top)


def _frames(study: Study, grid: Grid) -> alt.Chart:
    """The arrays, empty."""
    chip = study.program.chip
    return (
        _arrays(grid)
        .transform_calculate(x2=f"datum.x + {chip.columns}", y2=f"datum.y + {chip.rows}")
        .mark_rect(color=tone("empty"), clip=True)
        .encode(*grid.corners)
    )


def _numbers(study: Study, grid: Grid) -> alt.Chart:
    """The number of each array above it, as long as there is room; beside that of the first of a load, which it is."""
    room = f"{grid.pitch[1] - study.program.chip.rows} * width / {grid.size[0]}"
    size = alt.ExprRef(f"{room} < 7 ? 0 : min(9, 0.8 * {room})")
    firsts = {arrays[0]: f": load {number}" for number, arrays in arrays_of_loads(study.program).items()}
    rows = ((i, f"{i}{firsts.get(i, '')}") for i in range(grid.count))
    texts = (
        alt.Chart(table(("array", "text"), rows))
        .transform_calculate(x=grid.left, y=grid.top)
        .mark_text(align="left", baseline="bottom", fontSize=size, color=tone("muted"), dy=-1, clip=True)
    )
    return texts.encode(x=grid.x, y=grid.y, text="text:N")


def _bands(formats: Sequence[Marked], grid: Grid) -> alt.Chart:
    """A band below each array in the colour of its format; those of neighbours are one where arrays bear no numbers."""
    assert grid.band is not None
    rows = [(first, arrays, own.text) for own in formats for first, arrays in _runs(own.arrays, grid)]
    texts, colors = [own.text for own in formats], [own.color for own in formats]
    legend = alt.Legend(title="formats of the arrays", orient="bottom", direction="horizontal")
    return (
        alt.Chart(table(("array", "arrays", "format"), rows))
        .transform_calculate(
            x=grid.left,
            x2=grid.end_of_run,
            y=f"{grid.top} + {grid.band[0]}",
            y2=f"{grid.top} + {grid.band[1]}",
        )
        .mark_rect(clip=True)
        .encode(
            *grid.corners,
            fill=alt.Fill("format:N", scale=alt.Scale(domain=texts, range=colors), legend=legend),
            tooltip=[alt.Tooltip("format:N", title="format")],
        )
    )


def _runs(arrays: NDArray[np.intp], grid: Grid) -> Iterator[tuple[int, int]]:
    """First array and number of arrays of each band."""
    if grid.count <= NUMBERED:
        yield from ((array, 1) for array in arrays.tolist())
        return
    ends = np.flatnonzero((np.diff(arrays) != 1) | (arrays[1:] % grid.across == 0)) + 1
    yield from ((int(run[0]), len(run)) for run in np.split(arrays, ends))


def _drawn(study: Study, grid: Grid) -> alt.Chart:
    """The tiles."""
    owner, tiles, program = study.owner_of_weight, _tiles(study), study.program
    copied = any(weight.copies > 1 for weight in program.weights)
    if copied:
        tiles = np.column_stack([tiles, copies_of_tiles(program.tiles, program.weights)[own_places(program.tiles)]])
    rows = [(owner.get(weight, -1), *rest) for weight, *rest in tiles.tolist()]
    place = [alt.Tooltip("place:N", title="cells"), alt.Tooltip("piece:N", title="of the weight")]
    place += [alt.Tooltip("copy:Q", title="copy")] if copied else []
    return (
        alt.Chart(table((*COLUMNS, "copy") if copied else COLUMNS, rows))
        .transform_lookup(lookup="layer", from_=layer_names(study))
        .transform_calculate(
            x=f"{grid.left} + datum.column",
            y=f"{grid.top} + datum.row",
            x2="datum.x + datum.columns",
            y2="datum.y + datum.rows",
            place=_ranges("datum.row", "datum.column"),
            piece=_ranges("datum.from_row", "datum.from_column"),
        )
        .mark_rect(stroke=tone("paper"), clip=True)
        .encode(
            *grid.corners,
            color=layer_color(study, legend=True),
            opacity=faded(),
            strokeWidth=alt.condition(_HAS_ROOM, alt.value(0.4), alt.value(0)),
            tooltip=[
                alt.Tooltip("nodes:N", title="node"),
                alt.Tooltip("kind:N", title="structure"),
                alt.Tooltip("shape:N", title="weight"),
                alt.Tooltip("array:Q", title="array"),
                *place,
            ],
        )
        .add_params(picked(), zooming("x", "y"))
    )


def _ranges(row: str, column: str) -> str:
    """Vega expression: a text with the rows and columns of a tile that begins at `row` and `column`."""
    last_row, last_column = f"({row} + datum.rows - 1)", f"({column} + datum.columns - 1)"
    return f"'rows ' + {row} + ' to ' + {last_row} + ', columns ' + {column} + ' to ' + {last_column}"
