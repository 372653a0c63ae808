"""Where a weight is cut that alone needs more crossbars than the chip has, so that it can be loaded in parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from passes.analysis.places import Table
from passes.place_tiles.analysis.loads import longest


@dataclass(frozen=True)
class Strip:
    """Columns `first` to `end` (excluded) of a weight: a part for each of `rows` (first, end), to be added up."""

    first: int
    end: int
    rows: tuple[tuple[int, int], ...]


def strips_of(tiles: Table, columns: int, fits: Callable[[Table], bool]) -> list[Strip] | None:
    """The parts of a weight of so many columns, each as large as `fits`; None where a tile alone does not.

    `tiles` are int64 [tile, (first row, first column, rows, columns)]; `fits` is asked about some of them, or pieces.
    Cuts are between columns, where a tile begins; where not even one column of tiles fits, between rows as well. A part
    has the rows from the first to the last of its tiles.
    """
    edges = [0, *np.unique(tiles[:, 1]).tolist()[1:], columns]
    strips: list[Strip] = []
    begin = 0
    while begin < len(edges) - 1:
        count = longest(
            len(edges) - 1 - begin, lambda n, first=begin: fits(_between(tiles, 1, edges[first], edges[first + n]))
        )
        own = _between(tiles, 1, edges[begin], edges[begin + count])
        rows = [_span(own)] if fits(own) else _ranges(own, fits)
        if rows is None:
            return None
        strips.append(Strip(edges[begin], edges[begin + count], tuple(rows)))
        begin += count
    return strips


def tiles_between(tiles: Table, strip: Strip, rows: tuple[int, int]) -> Table:
    """What of some tiles lies in a part, counted from its first row and column."""
    own = _between(_between(tiles, 1, strip.first, strip.end), 0, *rows)
    return own - np.array([rows[0], strip.first, 0, 0])


def _ranges(tiles: Table, fits: Callable[[Table], bool]) -> Sequence[tuple[int, int]] | None:
    """Ranges of rows whose tiles fit; None if there is a tile that alone does not."""
    edges = [*np.unique(tiles[:, 0]).tolist(), int((tiles[:, 0] + tiles[:, 2]).max())]
    ranges: list[tuple[int, int]] = []
    begin = 0
    while begin < len(edges) - 1:
        count = longest(
            len(edges) - 1 - begin, lambda n, first=begin: fits(_between(tiles, 0, edges[first], edges[first + n]))
        )
        own = _between(tiles, 0, edges[begin], edges[begin + count])
        if not fits(own):
            return None
        ranges.append(_span(own))
        begin += count
    return ranges


def _between(tiles: Table, axis: int, first: int, end: int) -> Table:
    """What of the tiles lies in these rows (`axis` 0) or columns (1), as pieces that may be smaller."""
    begin, last = np.maximum(tiles[:, axis], first), np.minimum(tiles[:, axis] + tiles[:, 2 + axis], end)
    pieces = tiles.copy()
    pieces[:, axis], pieces[:, 2 + axis] = begin, last - begin
    return pieces[last > begin]


def _span(tiles: Table) -> tuple[int, int]:
    """The first row that tiles have, and the one after the last."""
    return int(tiles[:, 0].min()), int((tiles[:, 0] + tiles[:, 2]).max())
