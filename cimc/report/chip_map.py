"""The map of a chip as a small picture (SVG) for notebooks: every array, and in it the tiles of each layer.

The report page draws the same map with Vega-Lite, to look closer; this one needs no other library.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.tiles import own_places
from cimc.program.metadata import Chip
from cimc.program.program import Program
from cimc.report.formats import Marked, marked_formats
from cimc.report.palette import layer_colors

GAP = 0.12
"""Between arrays, as a share of an array's longer side."""
LANDSCAPE = 2.4
"""Width by height of the whole map, about."""
WIDTH = 640
"""Of the picture, in points, at most; a single array takes `ALONE` at most."""
ALONE = 160
MOST_TILES = 10_000
"""So many tiles are drawn at most, and the arrays that hold them: a tile is some 20 letters."""
BAND = (0.25, 0.75)
"""Where the band below an array begins and ends that tells its format, as shares of a gap."""
EMPTY = "#8884"
"""Seen on white and on black."""


@dataclass(frozen=True)
class ChipMap:
    """Where the arrays stand: `across` in a line, `pitch` cells from one to the next, `size` cells all together.

    `gaps` are the cells between one and the next, `band` is what lies below the rows of each (BAND), if anything does.
    """

    count: int
    across: int
    pitch: tuple[int, int]
    size: tuple[int, int]
    gaps: tuple[int, int]
    rows: int
    """Of one array."""
    band: tuple[float, float] | None = None
    """Rows from the array's first one on."""

    @property
    def lines(self) -> int:
        """How many lines of arrays there are."""
        return math.ceil(self.count / self.across)


def chip_map(chip: Chip, count: int, numbered: bool = False, banded: bool = False) -> ChipMap:
    """About LANDSCAPE, with few places left empty in the last row; room for numbers above arrays, or bands below."""
    gap = math.ceil(GAP * max(chip.rows, chip.columns))
    band = gap if banded else 0
    pitch = (chip.columns + gap, chip.rows + gap + (gap if numbered else 0) + band)
    wanted = math.sqrt(count * LANDSCAPE * pitch[1] / pitch[0])
    candidates = range(max(1, math.floor(0.7 * wanted)), min(count, math.ceil(1.3 * wanted)) + 1)
    across = min(candidates, key=lambda n: (-count % n) / count + abs(math.log(n / wanted)) / 4)
    size = across * pitch[0] - gap, math.ceil(count / across) * pitch[1] - gap
    at = (chip.rows + BAND[0] * gap, chip.rows + BAND[1] * gap) if banded else None
    return ChipMap(count, across, pitch, size, (pitch[0] - chip.columns, pitch[1] - chip.rows), chip.rows, at)


def svg_of(program: Program) -> tuple[str, int]:
    """The map of a program, and of how many of its arrays; no text for a program without arrays."""
    arrays = _drawn(program)
    if not arrays:
        return "", 0
    formats = marked_formats(program)
    chip, places = program.chip, chip_map(program.chip, arrays, banded=bool(formats))
    tiles = program.tiles[own_places(program.tiles)].astype(np.int64)
    tiles = tiles[tiles[:, 1] < arrays]
    array, row, column, rows, columns = (tiles[:, i] for i in range(1, 6))
    left = array % places.across * places.pitch[0] + column
    top = array // places.across * places.pitch[1] + row
    numbers = np.arange(arrays, dtype=np.int64)
    frames = np.full(arrays, chip.columns), np.full(arrays, chip.rows)
    origins = numbers % places.across * places.pitch[0], numbers // places.across * places.pitch[1]
    paths = [_path(EMPTY, *origins, *frames)]
    if places.band is not None:
        paths += _bands(formats, origins, places, chip.columns, arrays)
    colors = _colors(program)
    for weight in np.unique(tiles[:, 0]).tolist():
        own = tiles[:, 0] == weight
        paths.append(_path(colors[weight], left[own], top[own], columns[own], rows[own]))
    width, height = places.size
    points = min(WIDTH, round(ALONE * width / chip.columns))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="the arrays of the chip" viewBox="0 0 {width} '
        f'{height}" width="{points}" style="max-width:100%;height:auto">{"".join(paths)}</svg>'
    ), arrays


def _drawn(program: Program) -> int:
    """How many arrays are drawn: all, or the first ones that hold MOST_TILES together."""
    held = np.bincount(program.tiles[own_places(program.tiles), 1], minlength=len(program.arrays))
    return int(np.searchsorted(np.cumsum(np.maximum(held, 1)), MOST_TILES, side="right"))


def _colors(program: Program) -> dict[int, str]:
    """The colour of each weight, in the order in which the network uses them."""
    used = [multiplication.weight for multiplication in program.multiplications]
    weights = list(dict.fromkeys([*used, *range(len(program.weights))]))
    return dict(zip(weights, layer_colors(len(weights)), strict=True))


def _bands(
    formats: Sequence[Marked],
    origins: tuple[NDArray[np.int64], NDArray[np.int64]],
    places: ChipMap,
    columns: int,
    most: int,
) -> Iterator[str]:
    """The band of each of the first `most` arrays, in the colour of its format."""
    first, last = places.band or (0.0, 0.0)
    for marked in formats:
        own = marked.arrays[marked.arrays < most]
        sizes = np.full(len(own), columns), np.full(len(own), last - first)
        yield _path(marked.color, origins[0][own], origins[1][own] + first, *sizes)


def _path(color: str, left: NDArray[Any], top: NDArray[Any], widths: NDArray[Any], heights: NDArray[Any]) -> str:
    """Rectangles of one colour."""
    rectangles = zip(left.tolist(), top.tolist(), widths.tolist(), heights.tolist(), strict=True)
    drawn = "".join(f"M{x} {y}h{w}v{h}h-{w}z" for x, y, w, h in rectangles)
    return f'<path fill="{color}" d="{drawn}"/>'
