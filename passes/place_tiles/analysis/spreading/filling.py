"""Fills the arrays with the tiles of all stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import NamedTuple

import numpy as np

from passes.analysis.places import Table
from passes.place_tiles.analysis.spreading.dealing import CellRoom, Loads, Piece, PlannedRoom, Room, deal
from passes.place_tiles.analysis.spreading.rooms import lie_in, rooms_of, sizes_of
from passes.place_tiles.analysis.spreading.shelves import Part, pack
from passes.place_tiles.analysis.spreading.strips import Plan, Size
from passes.place_tiles.analysis.spreading.targets import Choice
from passes.place_tiles.analysis.spreading.tiles import Drives, placed_tiles

Place = tuple[int, int, int, int, int]
"""(first, columns, array, row, column) of a piece, some cut; `first` counts the columns of all drives."""

_FEW_HEIGHTS = 32
"""Of more, what arrays get by themselves hardly ever fits."""
_MANY = 50_000
"""Pieces that are placed in one way, if that is possible."""


class Filled(NamedTuple):
    """Places for all columns of all drives, how long all stages take [ps], one after the other, and what it costs [pJ]
    that rows are driven more than once."""

    places: list[Place]
    time: int
    energy: float


@dataclass(frozen=True)
class Filling:
    """Drives that are to be placed in so many arrays of a `size`, for which there is a `plan`."""

    drives: Drives
    plan: Plan
    arrays: int
    size: Size
    adcs: int

    def places(self, chosen: Mapping[int, Choice]) -> list["Filled"]:
        """Ways to place all pieces; stages are dealt as they were `chosen`.

        Each array gets what suits the stages best, as long as there are cells for it, and is packed by itself. Where
        that does not fit, or cuts pieces, the strips of the plan are dealt over the arrays, and then filled.
        """
        size, size_of = self.size, sizes_of(self.plan, self.size.rows)
        if len(size_of) > _FEW_HEIGHTS:
            return [self._filled(self._in_strips(chosen))]
        cells = CellRoom(self.arrays, size.columns, size.rows * size.columns, size_of)
        pieces = self._dealt(chosen, cells)
        places = None if pieces is None else self._packed(pieces)
        if pieces is not None and places is not None:
            packed = self._filled(places)
            if len(places) == len(pieces) or len(pieces) > _MANY:
                return [packed]
            return [packed, self._filled(self._in_strips(chosen))]
        return [self._filled(self._in_strips(chosen))]

    def _filled(self, places: list[Place]) -> "Filled":
        """The places with what comes of them; what lies in different rows of an array is driven more than once."""
        table = np.array(places, np.int64).reshape(-1, 5)
        number = np.searchsorted(self.drives.starts, table[:, 0], "right") - 1
        own, index = np.unique(np.stack([number, table[:, 2], table[:, 3]]), axis=1, return_inverse=True)
        columns = np.bincount(index.reshape(-1), table[:, 1]).astype(np.int64)
        steps = np.zeros(len(columns), np.int64)
        np.maximum.at(steps, index.reshape(-1), self.drives.steps_from(number.astype(np.int64), table[:, 0]))
        effort = np.array([drive[:5] for drive in self.drives.drives])[own[0]]
        times = effort[:, 2].astype(np.int64) - (-columns // self.adcs) * steps
        busy, index = np.unique(np.stack([np.array(self.stage_of)[own[0]], own[1]]), axis=1, return_inverse=True)
        longest = np.zeros(int(busy[0].max(initial=-1)) + 1, np.int64)
        np.maximum.at(longest, busy[0], np.bincount(index.reshape(-1), times).astype(np.int64))
        energy = effort[:, 4].sum() - sum(drive.energy for drive in self.drives.drives)
        return Filled(places, int(longest.sum()), float(energy))

    @cached_property
    def stage_of(self) -> list[int]:
        """The stage of each drive."""
        return [stage for stage, (low, high) in self.drives.of_stage.items() for _ in range(low, high)]

    def tiles(self, places: Sequence[Place]) -> Table:
        """The tiles of all drives, some cut, with three more columns: array, row, column."""
        return placed_tiles(self.drives.tiles, places)

    def _dealt(self, chosen: Mapping[int, Choice], room: Room) -> list[Piece] | None:
        """The pieces of all stages, the tallest first, then those that keep arrays longest.

        Drives are told by their number among all. None if there is not room for all.
        """
        of_height: dict[int, dict[int, list[int]]] = {}
        drives = self.drives.drives
        for stage, (low, high) in self.drives.of_stage.items():
            for number in range(low, high):
                of_height.setdefault(drives[number].height, {}).setdefault(stage, []).append(number)
        loads: dict[int, Loads] = {stage: {} for stage in chosen}
        pieces: list[Piece] = []
        for height in sorted(of_height, reverse=True):
            of_stage = of_height[height]
            for stage in sorted(of_stage, key=lambda stage: (-chosen[stage].time, stage)):
                numbers = of_stage[stage]
                own = [drives[number] for number in numbers]
                choice = chosen[stage]
                dealt = deal(height, own, choice.target, room, self.adcs, loads[stage], choice.way)
                if dealt is None:
                    return None
                pieces += [Piece(numbers[drive], *where) for drive, *where in dealt.pieces]
        return pieces

    def _packed(self, pieces: Sequence[Piece]) -> list[Place] | None:
        """The places of all pieces, those of each array packed by themselves; None if those of one do not fit."""
        by_array: dict[int, list[Piece]] = {}
        for piece in pieces:
            by_array.setdefault(piece.array, []).append(piece)
        known: dict[tuple[tuple[int, int], ...], list[Part] | None] = {}
        places: list[Place] = []
        for array, members in by_array.items():
            sizes = [(self._height(piece.drive), piece.columns) for piece in members]
            order = sorted(range(len(sizes)), key=lambda n: sizes[n], reverse=True)
            key = tuple(sizes[n] for n in order)
            if key not in known:
                known[key] = pack(key, self.size)
            parts = known[key]
            if parts is None:
                return None
            for part in parts:
                first = self._first(members[order[part.piece]]) + part.first
                places.append((first, part.columns, array, part.row, part.column))
        return places

    def _in_strips(self, chosen: Mapping[int, Choice]) -> list[Place]:
        """The places of all pieces in strips of the plan, which has room for all of them."""
        widths = self._widths(chosen)
        unit = {height: max(gcd(*own), min(self.adcs, min(own))) for height, own in widths.items()}
        widest = {height: max(own) for height, own in widths.items()}
        table = rooms_of(self.plan, self.arrays, self.size.columns, unit, widest)
        pieces = self._dealt(chosen, _planned_room(table))
        assert pieces is not None, "a plan without room for all tiles"
        rooms: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        for array, height, row, column, columns in table.tolist():
            rooms.setdefault((array, height), []).append((row, column, columns))
        of_height: dict[tuple[int, int], list[Piece]] = {}
        for piece in pieces:
            of_height.setdefault((piece.array, self._height(piece.drive)), []).append(piece)
        places: list[Place] = []
        for key, members in of_height.items():
            for number, done, columns, row, column in lie_in([piece.columns for piece in members], rooms[key]):
                places.append((self._first(members[number]) + done, columns, key[0], row, column))
        return places

    def _widths(self, chosen: Mapping[int, Choice]) -> dict[int, set[int]]:
        """For each height how wide its pieces would be, if there were room for all of them."""
        widths: dict[int, set[int]] = {}
        for stage, (low, _) in self.drives.of_stage.items():
            for piece in chosen[stage].pieces:
                widths.setdefault(self._height(low + piece.drive), set()).add(piece.columns)
        return widths

    def _height(self, drive: int) -> int:
        return self.drives.drives[drive].height

    def _first(self, piece: Piece) -> int:
        return self.drives.starts[piece.drive] + piece.first


def _planned_room(rooms: Table) -> PlannedRoom:
    columns: dict[int, dict[int, int]] = {}
    for array, height, _, _, count in rooms.tolist():
        own = columns.setdefault(height, {})
        own[array] = own.get(array, 0) + count
    return PlannedRoom(columns)
