"""Fills planned room with tiles: those of one stage into different arrays, as long as there are any."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from passes.analysis.places import Table
from passes.place_tiles.analysis.strips import Plan

TILE = ("weight", "stage", "weight_row", "weight_column", "rows", "columns")
"""Columns of a table of tiles that are to be placed."""

_FEW_WIDTHS = 8
"""Of more widths than this, the rare ones are not placed whole: each width takes time of its own."""

_STAGE, _K, _N, _ROWS, _COLUMNS = range(1, 6)
_ARRAY, _ROW, _COLUMN, _WIDTH, _PIECE = range(5)


def fill(tiles: Table, plan: Plan, array_columns: int) -> Table:
    """The tiles (rows TILE), some cut, with three more columns: array, row, column; each kind of stack apart."""
    return _Filling(_parts(plan, array_columns)).fill(tiles)


def fill_evenly(tiles: Table, plan: Plan, array_columns: int, arrays: int, unit: int) -> Table:
    """As `fill`, but the columns of the plan go round `arrays` arrays, `unit` at a time if there is room for that.

    So every array has equally many of each kind of stack.
    """
    return _Filling(_even_parts(plan, array_columns, arrays, unit)).fill(tiles)


def _parts(plan: Plan, array_columns: int) -> dict[int, Table]:
    """For each height its room: (array, row, column, columns, piece) of each slot in each array it reaches."""
    parts: dict[int, list[Table]] = {}
    for slot in plan.slots:
        array = np.arange(slot.column // array_columns, -(-(slot.column + slot.columns) // array_columns))
        first = np.maximum(slot.column, array * array_columns)
        width = np.minimum(slot.column + slot.columns, (array + 1) * array_columns) - first
        row, piece = np.full_like(array, slot.row), np.full_like(array, slot.piece)
        table = np.stack([array, row, first % array_columns, width, piece], axis=1).astype(np.int64)
        parts.setdefault(slot.height, []).append(table)
    return {height: np.concatenate(tables) for height, tables in parts.items()}


def _even_parts(plan: Plan, array_columns: int, arrays: int, unit: int) -> dict[int, Table]:
    """As `_parts`, but the columns go round the arrays, `unit` at a time, or fewer where that would not fit."""
    while -(-plan.columns // unit) > arrays * (array_columns // unit):
        unit -= 1
    parts: dict[int, list[Table]] = {}
    for slot in plan.slots:
        begin, end = slot.column, slot.column + slot.columns
        low, high = begin // unit, -(-end // unit)
        array = (low + np.arange(min(high - low, arrays))) % arrays
        first, last = -(-(low - array) // arrays), -(-(high - array) // arrays)  # of the units of each array
        left, right = first * unit, last * unit
        left += np.where(first * arrays + array == low, begin - low * unit, 0)
        right -= np.where((last - 1) * arrays + array == high - 1, high * unit - end, 0)
        row, piece = np.full_like(array, slot.row), np.full_like(array, slot.piece)
        table = np.stack([array, row, left, right - left, piece], axis=1).astype(np.int64)
        parts.setdefault(slot.height, []).append(table)
    return {height: np.concatenate(tables) for height, tables in parts.items()}


@dataclass
class _Filling:
    """Fills the room of each height with its tiles, the tallest first, for their cut-off rests are tiles too.

    `busy` holds for each stage the arrays that have a tile of it.
    """

    parts: dict[int, Table]
    busy: dict[int, list[Table]] = field(default_factory=dict[int, list[Table]])

    def fill(self, tiles: Table) -> Table:
        """The tiles, some cut, with three more columns: array, row, column."""
        height = tiles[:, _ROWS]
        waiting = {int(h): [tiles[height == h]] for h in np.unique(height)}
        done = [np.zeros((0, 9), np.int64)]
        while waiting:
            tallest = max(waiting)
            placed = self._place(np.concatenate(waiting.pop(tallest)), self.parts[tallest])
            pieces = placed[:, -1]
            rest = placed[pieces < tallest, : _COLUMNS + 1].copy()
            cut = pieces[pieces < tallest]
            rest[:, _K] += cut
            rest[:, _ROWS] -= cut
            for h in np.unique(rest[:, _ROWS]).tolist():
                waiting.setdefault(h, []).append(rest[rest[:, _ROWS] == h])
            placed[:, _ROWS] = pieces
            done.append(placed[:, :-1])
        return np.concatenate(done)

    def _place(self, tiles: Table, parts: Table) -> Table:
        """Tiles of one height in their room, with (array, row, column, piece): whole ones first, the widest first."""
        parts = parts[np.argsort(parts[:, _ARRAY], kind="stable")]
        tiles = tiles[np.lexsort([tiles[:, _STAGE], -tiles[:, _COLUMNS]])]
        done: list[Table] = []
        rest: list[Table] = []
        classes = np.split(tiles, 1 + np.flatnonzero(np.diff(tiles[:, _COLUMNS])))
        for same in classes:
            width = int(same[0, _COLUMNS])
            units = parts[:, _WIDTH] // width
            fitting = min(int(units.sum()), len(same)) if len(same) >= len(classes) // _FEW_WIDTHS else 0
            rest.append(same[fitting:])
            if fitting:
                taken, unit = self._take(same[:fitting, _STAGE], parts, units)
                places = parts[taken][:, [_ARRAY, _ROW, _COLUMN, _PIECE]]
                places[:, 2] += unit * width
                done.append(np.concatenate([same[:fitting], places], axis=1))
                used = np.bincount(taken, minlength=len(parts)) * width
                parts = parts + np.stack([0 * used, 0 * used, used, -used, 0 * used], axis=1)
                parts = parts[parts[:, _WIDTH] > 0]
        return np.concatenate([*done, _laid_out(np.concatenate(rest), parts)])

    def _take(self, stages: Table, parts: Table, units: Table) -> tuple[Table, Table]:
        """For each tile (sorted by stage) a part, and which of its `units`, the tiles that fit there; used in turn."""
        owners = np.repeat(np.arange(len(parts)), units)
        inside = np.arange(len(owners)) - np.repeat(np.cumsum(units) - units, units)
        arrays, first, room = np.unique(parts[owners, _ARRAY], return_index=True, return_counts=True)
        ring = _Ring(arrays, room)
        turns: list[Table] = []
        for same in np.split(stages, 1 + np.flatnonzero(np.diff(stages))):
            busy = self.busy.setdefault(int(same[0]), [])
            turns += (taken := ring.take(len(same), busy))
            busy += [arrays[t] for t in taken]
        chosen = np.concatenate(turns)
        unit = first[chosen] + _occurrence(chosen)
        return owners[unit], inside[unit]


class _Ring:
    """Arrays with room for some tiles each, taken in turn."""

    def __init__(self, arrays: Table, room: Table):
        self.arrays, self.room = arrays, room.copy()
        self.ring, self.next = np.arange(len(arrays)), 0
        self.avoided = np.zeros(int(arrays.max()) + 1, np.bool_)

    def take(self, count: int, busy: Sequence[Table]) -> list[Table]:
        """`count` arrays (their index), different ones as long as there are any, `busy` ones only if need be."""
        busy_now = np.concatenate([np.zeros(0, np.int64), *busy])
        busy_now = busy_now[busy_now < len(self.avoided)]
        self.avoided[busy_now] = True
        taken: list[Table] = []
        for span in (2 * count + 64, len(self.ring)):
            if count:
                window = self._window(span)
                taken.append(self._occupy(window[~self.avoided[self.arrays[window]]][:count]))
                self.avoided[self.arrays[taken[-1]]] = True
                count -= len(taken[-1])
        self.avoided[busy_now] = False
        for arrays in taken:
            self.avoided[self.arrays[arrays]] = False
        while count:
            taken.append(self._occupy(self._window(len(self.ring))[:count]))
            count -= len(taken[-1])
        return taken

    def _window(self, span: int) -> Table:
        """The next arrays of the ring that have room; the ring loses its full ones after each turn."""
        if self.next >= len(self.ring):
            turned = np.roll(self.ring, -(self.next % max(1, len(self.ring))))
            self.ring, self.next = turned[self.room[turned] > 0], 0
        end = self.next + min(span, len(self.ring))
        window = np.concatenate([self.ring[self.next : end], self.ring[: max(0, end - len(self.ring))]])
        return window[self.room[window] > 0]

    def _occupy(self, chosen: Table) -> Table:
        self.room[chosen] -= 1
        self.next += len(chosen)
        return chosen


def _occurrence(values: Table) -> Table:
    """How often each value occurred before."""
    order = np.argsort(values, kind="stable")
    starts = np.concatenate([[0], 1 + np.flatnonzero(np.diff(values[order]))])
    counts = np.arange(len(values)) - np.repeat(starts, np.diff([*starts, len(values)]))
    result = np.empty_like(values)
    result[order] = counts
    return result


def _laid_out(tiles: Table, parts: Table) -> Table:
    """Tiles one after the other along the room that is left, cut between columns wherever a part ends."""
    parts = parts[np.lexsort([parts[:, _ARRAY], _occurrence(parts[:, _ARRAY])])]
    tiles = tiles[np.argsort(tiles[:, _STAGE], kind="stable")]
    ends, limits = np.cumsum(tiles[:, _COLUMNS]), np.cumsum(parts[:, _WIDTH])
    last = int(ends[-1]) if len(ends) else 0
    stops = np.unique(np.concatenate([ends, limits[limits < last]]))
    starts = np.concatenate([np.zeros(1, np.int64), stops])[: len(stops)]
    tile, part = np.searchsorted(ends, starts, "right"), np.searchsorted(limits, starts, "right")
    pieces = np.concatenate([tiles[tile], parts[part][:, [_ARRAY, _ROW, _COLUMN, _PIECE]]], axis=1)
    pieces[:, _N] += starts - (ends[tile] - tiles[tile, _COLUMNS])
    pieces[:, _COLUMNS] = stops - starts
    pieces[:, _COLUMNS + 3] += starts - (limits[part] - parts[part, _WIDTH])
    return pieces
