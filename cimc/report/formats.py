"""The formats of a program's arrays: what each has of arrays, crossbars, weights and conversions (docs/report.md)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.copies import copies_of_tiles
from cimc.program.arrays.formats import are_centred
from cimc.program.arrays.tiles import own_places
from cimc.program.program import Program
from cimc.program.records import Records
from cimc.report.palette import format_colors

_ARRAY, _ROWS, _COLUMNS = 1, 4, 5
"""Columns of the tile table."""


@dataclass(frozen=True)
class FormatUse:
    """The arrays of one format, and what they hold."""

    bits: int
    encoding: str
    centred: bool
    """Whether a column has another offset than the midpoint."""
    slices: int
    """Crossbars of an array."""
    arrays: int
    crossbars: int
    crossbars_lower_bound: int
    """Fewest that could hold these weights in this format, one copy of each."""
    stored_weights: int
    utilization: float
    """The share of the cells that hold a weight."""
    conversions: int
    """Of what the figures are for."""


def format_uses(program: Program, records: Records, conversions: NDArray[np.float64]) -> tuple[FormatUse, ...]:
    """The formats that arrays have, in the program's order; `conversions` are those of each MULTIPLY record."""
    cells = program.chip.rows * program.chip.columns
    places = own_places(program.tiles)
    own = program.tiles[places].astype(np.int64)
    count = len(program.formats)
    arrays = np.bincount(program.array_formats, minlength=count).tolist()
    sizes, is_first = own[:, _ROWS] * own[:, _COLUMNS], copies_of_tiles(program.tiles, program.weights)[places] == 0
    stored, once = (_sums(program.array_formats[own[:, _ARRAY]], kept, count) for kept in (sizes, sizes * is_first))
    made = np.bincount(program.array_formats[records["array"]], conversions, count)
    offset = _sums(program.array_formats[program.tiles[:, _ARRAY]], are_centred(program), count)
    uses: list[FormatUse] = []
    for number, format in enumerate(program.formats):
        if arrays[number]:
            slices = format.slices(program.chip.cell_bits)
            uses.append(
                FormatUse(
                    bits=format.bits,
                    encoding=format.encoding,
                    centred=offset[number] > 0,
                    slices=slices,
                    arrays=arrays[number],
                    crossbars=slices * arrays[number],
                    crossbars_lower_bound=slices * -(-once[number] // cells),
                    stored_weights=stored[number],
                    utilization=stored[number] / (arrays[number] * cells),
                    conversions=round(float(made[number])),
                )
            )
    return tuple(uses)


def utilization_of(uses: Sequence[FormatUse], cells: int) -> float:
    """The share of all cells that hold a part of a weight, `cells` being those of a crossbar.

    A weight takes one cell in each crossbar of its array.
    """
    crossbars = sum(use.crossbars for use in uses)
    return sum(use.slices * use.stored_weights for use in uses) / (crossbars * cells) if crossbars else 0.0


@dataclass(frozen=True)
class Marked:
    """The arrays of a format, and how they are marked on a map of the chip."""

    text: str
    color: str
    arrays: NDArray[np.intp]


def marked_formats(program: Program) -> list[Marked]:
    """The formats in the order of `format_uses`; none where all arrays have the same."""
    used: list[int] = np.unique(program.array_formats).tolist()
    if len(used) < 2:
        return []
    own = program.array_formats[program.tiles[:, _ARRAY]]
    centred = {int(number) for number in np.unique(own[are_centred(program)])}
    marked: list[Marked] = []
    for number, color in zip(used, format_colors(len(used)), strict=True):
        format = program.formats[number]
        text = format_text(format.bits, format.encoding, number in centred)
        marked.append(Marked(text, color, np.flatnonzero(program.array_formats == number)))
    return marked


def encoding_text(encoding: str, centred: bool) -> str:
    """As in `offset, centred`."""
    return f"{encoding}{', centred' if centred else ''}"


def format_text(bits: int, encoding: str, centred: bool) -> str:
    """As in `4-bit offset, centred`."""
    return f"{bits}-bit {encoding_text(encoding, centred)}"


def format_lines(uses: Sequence[FormatUse], mapping: str, lower_bounds: tuple[int, int]) -> Iterator[str]:
    """Arrays and crossbars, and the formats; `lower_bounds` are the fewest arrays and crossbars.

    Nothing is said of a format that is the only one, and as usual.
    """
    arrays, crossbars = sum(use.arrays for use in uses), sum(use.crossbars for use in uses)
    least_arrays, least_crossbars = (f"no mapping needs fewer than {bound:,}" for bound in lower_bounds)
    if len(uses) == 1:
        (use,) = uses
        yield f"arrays        {arrays:,} of {_counted(use.slices, 'crossbar')} ({mapping} mapping; {least_arrays})"
        if use.bits != 8 or use.centred:
            yield f"format        {format_text(use.bits, use.encoding, use.centred)}"
        return
    yield f"arrays        {arrays:,} ({mapping} mapping; {least_arrays})"
    if uses:
        yield f"crossbars     {crossbars:,} ({least_crossbars})"
    for use in uses:
        said = format_text(use.bits, use.encoding, use.centred)
        each = f"{_counted(use.arrays, 'array')} of {_counted(use.slices, 'crossbar')}"
        yield f"format        {said}: {each}, {use.stored_weights:,} weights"


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _sums(groups: NDArray[np.uint8], values: NDArray[np.integer] | NDArray[np.bool_], count: int) -> list[int]:
    sums = np.zeros(count, np.int64)
    np.add.at(sums, groups, values.astype(np.int64))
    return sums.tolist()
