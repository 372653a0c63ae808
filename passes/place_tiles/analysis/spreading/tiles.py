"""Tables of tiles that are to be placed: those that are read together, and cuts between rows and columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from passes.analysis.places import Table
from passes.place_tiles.analysis.spreading.dealing import Drive
from passes.place_tiles.analysis.spreading.strips import Plan
from passes.place_tiles.analysis.spreading.work import Efforts

TILE = ("weight", "stage", "source", "work", "weight_row", "weight_column", "rows", "columns")
"""Columns of a table of tiles that are to be placed; those of one `source` multiply the same vector, `work` is the
number of what it asks of them."""
WEIGHT, STAGE, SOURCE, WORK, K, N, ROWS, COLUMNS = range(len(TILE))


def cut_rows(tiles: Table, plan: Plan) -> Table:
    """The tiles, cut between rows where the plan takes only the first rows of them, the tallest first.

    Whole tiles are cut as far as that goes, the last ones of a height.
    """
    height = tiles[:, ROWS]
    waiting = {int(h): [tiles[height == h]] for h in np.unique(height)}
    wanted: dict[int, dict[int, int]] = {}
    for slot in plan.slots:
        if slot.piece < slot.height:
            pieces = wanted.setdefault(slot.height, {})
            pieces[slot.piece] = pieces.get(slot.piece, 0) + slot.columns
    done = [tiles[:0]]
    while waiting:
        tallest = max(waiting)
        same = np.concatenate(waiting.pop(tallest))
        pieces = wanted.get(tallest, {})
        whole = int(same[:, COLUMNS].sum()) - sum(pieces.values())
        parts = split_columns(same, np.cumsum([whole, *pieces.values()])[:-1])
        part = np.searchsorted(np.cumsum([whole, *pieces.values()]), np.cumsum(parts[:, COLUMNS]), "left")
        done.append(parts[part == 0])
        for number, piece in enumerate(pieces, 1):
            upper, lower = parts[part == number], parts[part == number].copy()
            upper[:, ROWS] = piece
            lower[:, K] += piece
            lower[:, ROWS] -= piece
            waiting.setdefault(tallest - piece, []).append(lower)
            done.append(upper)
    return np.concatenate(done)


def split_columns(tiles: Table, stops: Table) -> Table:
    """The tiles, one beside the other, cut between columns at these stops too."""
    ends = np.cumsum(tiles[:, COLUMNS])
    last = int(ends[-1]) if len(ends) else 0
    all_stops = np.unique(np.concatenate([ends, stops[(stops > 0) & (stops < last)]]))
    starts = np.concatenate([np.zeros(1, np.int64), all_stops])[: len(all_stops)]
    tile = np.searchsorted(ends, starts, "right")
    pieces = tiles[tile].copy()
    pieces[:, N] += starts - (ends[tile] - tiles[tile, COLUMNS])
    pieces[:, COLUMNS] = all_stops - starts
    return pieces


@dataclass(frozen=True)
class Drives:
    """Tiles in such an order that those of a drive, which read the same rows of the same vector, follow each other.

    `starts` [drive + 1] are the columns, of all tiles one beside the other, where drives begin; `of_stage` are the
    numbers of the first drive of each stage and of the one after its last.
    """

    tiles: Table
    starts: list[int]
    drives: list[Drive]
    of_stage: dict[int, tuple[int, int]]

    def steps_from(self, numbers: Table, firsts: Table) -> Table:
        """The longest step of drives from these columns on, which are counted through all drives."""
        steps = np.array([drive.step for drive in self.drives], np.int64)[numbers]
        later = np.array([bool(drive.later) for drive in self.drives], np.bool_)[numbers]
        chosen: list[int] = numbers[later].tolist()
        begins: list[int] = firsts[later].tolist()
        steps[later] = [self.drives[own].step_from(begin - self.starts[own]) for own, begin in zip(chosen, begins)]
        return steps


def drives_of(tiles: Table, efforts: Efforts, by_step: bool = False) -> Drives:
    """The drives of each stage; `efforts` are those of the tiles, in their order.

    `by_step`, what takes longest to convert is first in a drive.
    """
    within = [tiles[:, N], tiles[:, WEIGHT], -efforts.step if by_step else 0 * efforts.step]
    order = np.lexsort([*within, tiles[:, ROWS], tiles[:, K], tiles[:, SOURCE], tiles[:, STAGE]])
    ordered = tiles[order]
    if not len(order):
        return Drives(ordered, [0], [], {})
    key = ordered[:, [STAGE, SOURCE, K, ROWS]]
    another = (np.diff(key, axis=0) != 0).any(axis=1) | efforts.alone[order][1:]
    first = np.flatnonzero(np.concatenate([[True], another]))
    columns = np.add.reduceat(ordered[:, COLUMNS], first)
    most = [np.maximum.reduceat(values[order], first) for values in (efforts.settle, efforts.step, efforts.drive)]
    fields = [ordered[first, ROWS], columns, *most]
    later = _later(first, ordered[:, COLUMNS], efforts.step[order]) if by_step else [()] * len(first)
    drives = [Drive(*row) for row in zip(*(field.tolist() for field in fields), later)]
    stages, begin = np.unique(ordered[first, STAGE], return_index=True)
    ends = [*begin.tolist(), len(first)]
    of_stage = dict(zip(stages.tolist(), pairwise(ends)))
    return Drives(ordered, [0, *np.cumsum(columns).tolist()], drives, of_stage)


def _later(first: Table, columns: Table, step: Table) -> list[tuple[tuple[int, int], ...]]:
    """For each drive, which begins with the tile `first`, the columns from which on a step takes less, and what."""
    later: list[tuple[tuple[int, int], ...]] = [()] * len(first)
    before = np.cumsum(columns) - columns
    less = np.setdiff1d(1 + np.flatnonzero(np.diff(step)), first)
    drive = np.searchsorted(first, less, "right") - 1
    for number, begin, own in zip(drive.tolist(), (before[less] - before[first[drive]]).tolist(), step[less].tolist()):
        later[number] += ((begin, own),)
    return later


def placed_tiles(tiles: Table, places: Sequence[tuple[int, int, int, int, int]]) -> Table:
    """The tiles, cut between columns, with three more columns: array, row, column.

    `places` are (first, columns, array, row, column): where so many of the columns of all tiles, one beside the other,
    lie; each of them once.
    """
    table = np.array(places, np.int64).reshape(-1, 5)
    table = table[np.argsort(table[:, 0])]
    pieces = split_columns(tiles, table[:, 0])
    starts = np.cumsum(pieces[:, COLUMNS]) - pieces[:, COLUMNS]
    place = np.searchsorted(table[:, 0], starts, "right") - 1
    own = table[place][:, 2:]
    own[:, 2] += starts - table[place, 0]
    return np.concatenate([pieces, own], axis=1)
