"""Where tiles lie, and whether that is legal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]

_FEW = 64


@dataclass(frozen=True)
class Placement:
    """Where a weight lies: its tiles (more than before, if a mapping cut some), places int64 [tile, (array, row,
    column)]. Of a weight with `copies`, the tiles are those of one copy after the other."""

    tiles: Table
    places: Table
    copies: int = 1


def illegal_place(
    placements: Sequence[Placement], array_rows: int, array_columns: int, *, may_share: bool = True
) -> tuple[int, str] | None:
    """The number of a weight whose places are wrong, and why: outside an array, or on some cells of another tile.

    Tiles that lie on exactly the same cells are legal if they `may_share` them; whether they are equal is not known
    here.
    """
    places = np.concatenate([np.zeros((0, 3), np.int64), *(p.places for p in placements)])
    sizes = np.concatenate([np.zeros((0, 2), np.int64), *(p.tiles[:, 2:] for p in placements)])
    owner = np.repeat(np.arange(len(placements)), [len(p.tiles) for p in placements])
    outside = (places[:, 1:] + sizes > np.array([array_rows, array_columns])).any(axis=1) | (places < 0).any(axis=1)
    for tile in np.flatnonzero(outside)[:1].tolist():
        return int(owner[tile]), f"a tile lies outside array {places[tile, 0]}"
    order = distinct_places(places, sizes) if may_share else np.arange(len(places))
    order = order[np.argsort(places[order, 0], kind="stable")]
    for members in np.split(order, 1 + np.flatnonzero(np.diff(places[order, 0]))):
        if len(members) > 1 and _overlap(places[members], sizes[members]):
            return int(owner[members[-1]]), f"tiles overlap in array {places[members[0], 0]}"
    return None


def distinct_places(places: Table, sizes: Table) -> Table:
    """The numbers of tiles of which no two have the same place [array, row, column] and size, the first of each."""
    order = np.lexsort([*sizes.T[::-1], *places.T[::-1]])  # stable: of equal ones the first comes first
    ordered = np.concatenate([places, sizes], axis=1)[order]
    is_new = np.concatenate([[True], (np.diff(ordered, axis=0) != 0).any(axis=1)])[: len(order)]
    return np.sort(order[is_new])


def _overlap(places: Table, sizes: Table) -> bool:
    """Whether a cell of one array belongs to two tiles: few are compared in pairs, of many the cells are counted.

    Cells between which no tile starts or ends are counted as one.
    """
    first, last = places[:, 1:], places[:, 1:] + sizes
    if len(places) <= _FEW:
        meet = ((first[:, None] < last) & (first < last[:, None])).all(axis=2)
        return int(np.count_nonzero(meet)) > len(places)
    edges = [np.unique(np.concatenate([first[:, axis], last[:, axis]])) for axis in (0, 1)]
    row, column = (np.searchsorted(edges[axis], first[:, axis]) for axis in (0, 1))
    end_row, end_column = (np.searchsorted(edges[axis], last[:, axis]) for axis in (0, 1))
    corners = np.zeros((len(edges[0]), len(edges[1])), np.int32)
    for rows, columns, sign in (
        (row, column, 1),
        (end_row, column, -1),
        (row, end_column, -1),
        (end_row, end_column, 1),
    ):
        np.add.at(corners, (rows, columns), sign)
    return bool(corners.cumsum(axis=0).cumsum(axis=1).max() > 1)
