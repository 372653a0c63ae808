"""How long arrays serve the stages of a vector: how soon another vector can follow, and when the first is done."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passes.analysis.places import Placement, Table
from passes.analysis.tiling import places_in
from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.analysis.spreading.work import PLAIN, Prices, efforts

Times = npt.NDArray[np.float64]
PIECE = ("weight", "copy", "stage", "source", "work", "weight_row", "rows", "columns", "array", "row")
"""Columns of a table of tiles that lie in arrays."""
WEIGHT, COPY, STAGE, SOURCE, WORK, K, ROWS, COLUMNS, ARRAY, ROW = range(len(PIECE))


@dataclass(frozen=True)
class Room:
    """So many arrays of `rows` x `columns` with `adcs` ADCs each, and what their parts take.

    An array serves a stage for `move_ps` longer than it works for it.
    """

    arrays: int
    rows: int
    columns: int
    adcs: int
    prices: Prices
    move_ps: int = 0

    @property
    def cells(self) -> int:
        return self.rows * self.columns


@dataclass(frozen=True)
class Holds:
    """Times [ps] of a run, on average over many: the `interval` after which a vector can follow another, by the array
    that is kept for longest; of all stages, one after the other (`token`); of the array with most to do (`busiest`),
    and of all arrays together (`work`)."""

    interval: float
    token: float
    busiest: float
    work: float


def holds_of(weights: Sequence[WeightTiles], placed: Sequence[Placement], room: Room) -> Holds:
    """What comes of places; tiles are parts of those of `weights`.

    Tiles of a drive that lie beside each other settle once (`drives_of`).
    """
    table = _pieces(weights, placed)
    works = [PLAIN, *(work for weight in weights for work in weight.works)]
    effort = efforts(table[:, ROWS], works, table[:, WORK], room.prices)
    own = np.where(effort.alone, 1 + np.arange(len(table)), 0)
    drives = np.column_stack([table[:, [STAGE, ARRAY, COPY, SOURCE, K, ROWS, ROW]], own])
    _, first, drive = np.unique(drives, axis=0, return_index=True, return_inverse=True)
    columns = np.bincount(drive.reshape(-1), table[:, COLUMNS]).astype(np.int64)
    times = effort.settle[first] - (-columns // room.adcs) * effort.step[first]
    copies = np.array([own.copies for own in placed], np.int64)[table[first, WEIGHT]]
    served, which = np.unique(table[first][:, [STAGE, ARRAY]], axis=0, return_inverse=True)
    turns, busy = np.ones(len(served)), np.zeros(len(served))
    turns[which.reshape(-1)] = copies
    np.add.at(busy, which.reshape(-1), times / copies)
    busiest = np.bincount(served[:, 1], busy).max(initial=0.0)
    held = busy + room.move_ps / turns
    at_once = any(own.vectors > 1 for own in weights)
    longest = np.zeros(int(served[:, 0].max(initial=-1)) + 1)
    np.maximum.at(longest, served[:, 0], held if at_once else held * turns)
    interval = np.bincount(served[:, 1], held).max(initial=0.0)
    return Holds(float(interval), float(longest.sum()), float(busiest), float((times / copies).sum()))


def _pieces(weights: Sequence[WeightTiles], placed: Sequence[Placement]) -> Table:
    """The tiles of all copies as rows PIECE."""
    tables, works = [np.zeros((0, len(PIECE)), np.int64)], 1
    for number, (weight, own) in enumerate(zip(weights, placed)):
        work = np.zeros(len(own.tiles), np.int64)
        if weight.work_of is not None:
            inside = places_in(own.tiles, weight.tiles)
            assert inside is not None, "tiles that tile-blocks makes lie in strips"
            work = works + weight.work_of[inside[:, 0]]
        copy = np.repeat(np.arange(own.copies), len(own.tiles) // own.copies)
        source = -1 - number if weight.source is None else weight.source
        head = np.broadcast_arrays(number, copy, weight.stage, source, work)
        tables.append(np.column_stack([*head, own.tiles[:, [0, 2, 3]], own.places[:, :2]]).astype(np.int64))
        works += len(weight.works)
    return np.concatenate(tables)
