"""Where in the arrays planned strips lie, and how the pieces of an array lie in them."""

from collections.abc import Mapping, Sequence

import numpy as np

from passes.analysis.places import Table
from passes.place_tiles.analysis.spreading.strips import Plan, Slot

ROOM = ("array", "height", "row", "column", "columns")
"""Columns of a table of rooms: so many columns for tiles of one height."""


def rooms_of(plan: Plan, arrays: int, array_columns: int, unit: Mapping[int, int], widest: Mapping[int, int]) -> Table:
    """The rooms (a table ROOM) of a plan's strips, dealt over the arrays.

    A strip that has columns for all arrays is dealt evenly, to a multiple of its heights' `unit`; what is left of it,
    and a strip of fewer columns, `widest` at a time: as much as a piece needs. In all, an array has equally many
    columns, as far as that goes.
    """
    used = np.zeros(arrays, np.int64)
    next_, rooms = 0, [np.zeros((0, len(ROOM)), np.int64)]
    for slots in _strips(plan):
        columns = slots[0].columns
        step = min(array_columns, max(unit.get(slot.piece, 1) for slot in slots))
        chunk = min(array_columns, max(step, max(widest.get(slot.piece, 1) for slot in slots)))
        share, next_ = _shares(columns, step, chunk, used, array_columns, next_)
        own = np.flatnonzero(share)
        for slot in slots:
            fields = (own, slot.piece, slot.row, used[own], share[own])
            rooms.append(np.stack(np.broadcast_arrays(*fields), axis=1).astype(np.int64))
        used += share
    return np.concatenate(rooms)


def sizes_of(plan: Plan, array_rows: int) -> dict[int, int]:
    """The cells that a column of each height takes, with its part of those that stay empty above a stack."""
    taken: dict[int, list[float]] = {}
    for slots in _strips(plan):
        whole = array_rows / sum(slot.piece for slot in slots)
        for slot in slots:
            sums = taken.setdefault(slot.piece, [0, 0])
            sums[0] += slot.piece * slot.columns * whole
            sums[1] += slot.columns
    return {height: int(cells / columns) for height, (cells, columns) in taken.items()}


def _strips(plan: Plan) -> list[list[Slot]]:
    """The slots of each strip, those that lie on each other; strips in the order of their columns."""
    strips: dict[int, list[Slot]] = {}
    for slot in plan.slots:
        strips.setdefault(slot.column, []).append(slot)
    return [strips[column] for column in sorted(strips)]


def _shares(columns: int, step: int, chunk: int, used: Table, most: int, first: int) -> tuple[Table, int]:
    """How many of a strip's columns each array gets, `used` being taken of `most`; arrays take turns from `first` on.

    Also whose turn is next.
    """
    arrays = len(used)
    even = columns // arrays
    share = np.minimum(most - used, even // step * step if even >= chunk else 0)
    left = columns - int(share.sum())
    turn = (first + np.arange(arrays)) % arrays
    while left:
        free = (most - used - share)[turn]
        able = turn[free >= min(chunk, left)]
        if not len(able):
            chunk = max(1, chunk // 2)
            continue
        able = able[: -(-left // chunk)]
        given = np.full(len(able), chunk, np.int64)
        given[-1] = min(chunk, left - chunk * (len(able) - 1))
        share[able] += given
        left -= int(given.sum())
        first = (int(able[-1]) + 1) % arrays
        turn = (first + np.arange(arrays)) % arrays
    return share, first


def lie_in(columns: Sequence[int], rooms: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int, int, int]]:
    """Where pieces of so many columns lie in rooms (row, column, columns), that have columns enough for them all.

    (piece, first of its columns, columns, row, column): the widest piece first, in the narrowest room that it fits
    into. Where there is none, it is cut: what is left lies in the same rows, if it can.
    """
    free = [list(room) for room in rooms]
    placed: list[tuple[int, int, int, int, int]] = []
    for piece in sorted(range(len(columns)), key=lambda p: -columns[p]):
        done, left, row = 0, columns[piece], -1
        while left:
            fitting = [room for room in free if room[2] >= left]
            if fitting:
                room = min(fitting, key=lambda r: (r[0] != row, r[2]))
            else:
                room = max(free, key=lambda r: (r[2] > 0 and r[0] == row, r[2]))
            width = min(left, room[2])
            placed.append((piece, done, width, room[0], room[1]))
            room[1], room[2], row = room[1] + width, room[2] - width, room[0]
            done, left = done + width, left - width
    return placed
