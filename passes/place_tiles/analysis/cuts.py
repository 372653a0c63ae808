"""Where a weight is cut that alone needs more crossbars than the chip has, so that it can be loaded in parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from passes.analysis.places import Table
from passes.place_tiles.analysis.loads import longest


@dataclass(frozen=True)
class Strip:
    """Columns `first` to `end` (excluded) of a weight: a part for each of `rows` (first, end), to be added up."""

    first: int
    end: int
    rows: tuple[tuple[int, int], ...]


class Room(Protocol):
    """A load that weights, and parts of them, are put in."""

    def fits(self, tiles: Table) -> bool:
        """Whether there is room for tiles of the weight that is being cut, beside what is in the load."""
        ...

    def take(self, tiles: Table) -> None:
        """Put them in."""
        ...

    def close(self) -> bool:
        """Go on with an empty load; whether there was something in this one."""
        ...


def strips_of(tiles: Table, columns: int, room: Room) -> list[Strip] | None:
    """The parts of a weight of so many columns, put one by one into loads; None where one does not hold a tile.

    `tiles` are int64 [tile, (first row, first column, rows, columns)]. A part has as many columns as there is room for,
    and ends where a tile begins; where there is not even room for one column of tiles, it has as many of its rows. A
    part has the rows from the first to the last of its tiles.
    """
    edges = [0, *np.unique(tiles[:, 1]).tolist()[1:], columns]
    strips: list[Strip] = []
    begin = 0
    while begin < len(edges) - 1:
        count = _most(edges, begin, tiles, 1, room)
        if count:
            own = _between(tiles, 1, edges[begin], edges[begin + count])
            room.take(own)
            rows = [_span(own)]
        else:
            rows = _ranges(_between(tiles, 1, edges[begin], edges[begin + 1]), room)
            if rows is None:
                if not room.close():
                    return None
                continue
            count = 1
        strips.append(Strip(edges[begin], edges[begin + count], tuple(rows)))
        begin += count
    return strips


def tiles_between(tiles: Table, strip: Strip, rows: tuple[int, int]) -> Table:
    """What of some tiles lies in a part, counted from its first row and column."""
    own = _between(_between(tiles, 1, strip.first, strip.end), 0, *rows)
    return own - np.array([rows[0], strip.first, 0, 0])


def _ranges(tiles: Table, room: Room) -> list[tuple[int, int]] | None:
    """Ranges of rows of a column of tiles, put into loads; None if there is no room for the first tile."""
    edges = [*np.unique(tiles[:, 0]).tolist(), int((tiles[:, 0] + tiles[:, 2]).max())]
    ranges: list[tuple[int, int]] = []
    begin = 0
    while begin < len(edges) - 1:
        count = _most(edges, begin, tiles, 0, room)
        if count:
            own = _between(tiles, 0, edges[begin], edges[begin + count])
            room.take(own)
            ranges.append(_span(own))
            begin += count
        elif not ranges or not room.close():
            return None
    return ranges


def _most(edges: Sequence[int], begin: int, tiles: Table, axis: int, room: Room) -> int:
    """How many steps from edge `begin` on there is room for."""

    def fits(count: int) -> bool:
        return room.fits(_between(tiles, axis, edges[begin], edges[begin + count]))

    return longest(len(edges) - 1 - begin, fits) if fits(1) else 0


def _between(tiles: Table, axis: int, first: int, end: int) -> Table:
    """What of the tiles lies in these rows (`axis` 0) or columns (1), as pieces that may be smaller."""
    begin, last = np.maximum(tiles[:, axis], first), np.minimum(tiles[:, axis] + tiles[:, 2 + axis], end)
    pieces = tiles.copy()
    pieces[:, axis], pieces[:, 2 + axis] = begin, last - begin
    return pieces[last > begin]


def _span(tiles: Table) -> tuple[int, int]:
    """The first row that tiles have, and the one after the last."""
    return int(tiles[:, 0].min()), int((tiles[:, 0] + tiles[:, 2]).max())
