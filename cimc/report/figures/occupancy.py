"""Which layer sits where: every array of the chip with the tiles in it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np

from cimc.program.metadata import Chip
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
from cimc.report.palette import EMPTY, MUTED
from cimc.report.study import Study

GAP = 0.12
"""Between arrays, as a share of an array's longer side."""
LANDSCAPE = 2.4
"""Width by height of the whole map, about."""
HEADROOM = 0.02
NUMBERED = 400
"""Up to so many arrays bear their number."""
COLUMNS = ("layer", "array", "row", "column", "rows", "columns", "from_row", "from_column")


def occupancy(studies: Sequence[Study]) -> Figure:
    """The map of a chip for each program."""
    return Figure(
        "occupancy",
        "Array occupancy",
        "Every square is an array, every rectangle in it a tile, drawn to scale with the rows from top to bottom; grey "
        "cells hold nothing. Colours follow the layers from the first to the last.",
        tuple(_panel(study) for study in studies),
    )


@dataclass(frozen=True)
class _Grid:
    """Where the arrays stand: `across` in a row, `pitch` cells from one to the next, `size` cells all together."""

    count: int
    across: int
    pitch: tuple[int, int]
    size: tuple[int, int]

    @staticmethod
    def of(chip: Chip, count: int) -> "_Grid":
        """About LANDSCAPE, with few places left empty in the last row."""
        gap = math.ceil(GAP * max(chip.rows, chip.columns))
        pitch = (chip.columns + gap, chip.rows + gap + (gap if count <= NUMBERED else 0))
        wanted = math.sqrt(count * LANDSCAPE * pitch[1] / pitch[0])
        candidates = range(max(1, math.floor(0.7 * wanted)), min(count, math.ceil(1.3 * wanted)) + 1)
        across = min(candidates, key=lambda n: (-count % n) / count + abs(math.log(n / wanted)) / 4)
        return _Grid(count, across, pitch, (across * pitch[0] - gap, math.ceil(count / across) * pitch[1] - gap))

    @property
    def headroom(self) -> float:
        """Above the arrays, for the numbers of the first ones, as a share of the width."""
        return HEADROOM if self.count <= NUMBERED else 0

    @property
    def aspect(self) -> float:
        """Height by width."""
        return self.size[1] / self.size[0] + self.headroom

    @property
    def left(self) -> str:
        """Vega expression: the first column of an array."""
        return f"(datum.array % {self.across}) * {self.pitch[0]}"

    @property
    def top(self) -> str:
        """Vega expression: the first row of an array."""
        return f"floor(datum.array / {self.across}) * {self.pitch[1]}"

    @property
    def x(self) -> alt.X:
        """The horizontal axis, in cells."""
        return alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, self.size[0]], nice=False, padding=0))

    @property
    def y(self) -> alt.Y:
        """The vertical axis, in cells from the top."""
        domain = [self.size[1], -self.headroom * self.size[0]]
        return alt.Y("y:Q", axis=None, scale=alt.Scale(domain=domain, nice=False, padding=0))


def _panel(study: Study) -> Panel:
    count = len(study.program.arrays)
    if not count:
        return Panel(study.label, None, ("The program uses no array.",))
    grid = _Grid.of(study.program.chip, count)
    tiles, notes = _tiles(study)
    layers = [_frames(study, grid), _drawn(study, tiles, grid, exact=not notes)]
    chart = alt.layer(*layers, *([_numbers(study, grid)] if count <= NUMBERED else []))
    return Panel(study.label, chart.properties(width=WIDTH, height=round(WIDTH * grid.aspect)), notes, grid.aspect)


def _tiles(study: Study) -> tuple[list[Sequence[float]], tuple[str, ...]]:
    """The rows of the table COLUMNS: tiles, or what each layer takes of each array where there are too many."""
    tiles = study.program.tiles.tolist()
    owner = study.owner_of_weight
    if len(tiles) <= MOST_MARKS:
        return [(owner.get(w, -1), a, r, c, h, k, fr, fc) for w, a, r, c, h, k, fr, fc in tiles], ()
    strips = list(_strips(study))
    note = f"{len(tiles):,} tiles are too many to draw: each layer's share of each array is drawn as one strip instead."
    kept = strips[:MOST_MARKS]
    if len(kept) == len(strips):
        return kept, (note,)
    last = int(kept[-1][1])
    return kept, (note, f"Arrays after number {last} of {len(study.program.arrays):,} are left out.")


def _strips(study: Study) -> Iterator[Sequence[float]]:
    """For each array and layer one strip over all columns, as high as the cells that the layer takes."""
    tiles, chip = study.program.tiles.astype(np.int64), study.program.chip
    key, which = np.unique(tiles[:, [1, 0]], axis=0, return_inverse=True)
    cells = np.zeros(len(key), np.int64)
    np.add.at(cells, which.reshape(-1), tiles[:, 4] * tiles[:, 5])
    array, row = -1, 0.0
    for (number, weight), count in zip(key.tolist(), cells.tolist(), strict=True):
        row = row if number == array else 0.0
        array, height = number, count / chip.columns
        yield study.owner_of_weight.get(weight, -1), number, row, 0, height, chip.columns, 0, 0
        row += height


def _arrays(grid: _Grid) -> alt.Chart:
    rows = ((i,) for i in range(grid.count))
    return alt.Chart(table(("array",), rows)).transform_calculate(x=grid.left, y=grid.top)


def _frames(study: Study, grid: _Grid) -> alt.Chart:
    """The arrays, empty."""
    chip = study.program.chip
    return (
        _arrays(grid)
        .transform_calculate(x2=f"datum.x + {chip.columns}", y2=f"datum.y + {chip.rows}")
        .mark_rect(color=EMPTY, clip=True)
        .encode(x=grid.x, x2="x2", y=grid.y, y2="y2")
    )


def _numbers(study: Study, grid: _Grid) -> alt.Chart:
    """The number of each array above it, as long as there is room."""
    room = f"{grid.pitch[1] - study.program.chip.rows} * width / {grid.size[0]}"
    size = alt.ExprRef(f"{room} < 7 ? 0 : min(9, 0.8 * {room})")
    texts = _arrays(grid).mark_text(align="left", baseline="bottom", fontSize=size, color=MUTED, dy=-1, clip=True)
    return texts.encode(x=grid.x, y=grid.y, text="array:Q")


def _drawn(study: Study, tiles: list[Sequence[float]], grid: _Grid, exact: bool) -> alt.Chart:
    """The tiles; `exact` if they are drawn where they lie."""
    place = [alt.Tooltip("place:N", title="cells"), alt.Tooltip("piece:N", title="of the weight")]
    return (
        alt.Chart(table(COLUMNS, tiles))
        .transform_lookup(lookup="layer", from_=layer_names(study))
        .transform_calculate(
            x=f"{grid.left} + datum.column",
            y=f"{grid.top} + datum.row",
            x2="datum.x + datum.columns",
            y2="datum.y + datum.rows",
            place=_ranges("datum.row", "datum.column"),
            piece=_ranges("datum.from_row", "datum.from_column"),
        )
        .mark_rect(stroke="white", strokeWidth=0.4, clip=True)
        .encode(
            x=grid.x,
            x2="x2",
            y=grid.y,
            y2="y2",
            color=layer_color(study, legend=True),
            opacity=faded(),
            tooltip=[
                alt.Tooltip("nodes:N", title="node"),
                alt.Tooltip("kind:N", title="structure"),
                alt.Tooltip("shape:N", title="weight"),
                alt.Tooltip("array:Q", title="array"),
                *(place if exact else []),
            ],
        )
        .add_params(picked(), zooming("x", "y"))
    )


def _ranges(row: str, column: str) -> str:
    """Vega expression: a text with the rows and columns of a tile that begins at `row` and `column`."""
    last_row, last_column = f"({row} + datum.rows - 1)", f"({column} + datum.columns - 1)"
    return f"'rows ' + {row} + ' to ' + {last_row} + ', columns ' + {column} + ' to ' + {last_column}"
