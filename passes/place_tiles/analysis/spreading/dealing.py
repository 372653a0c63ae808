"""Deals the tiles of a stage over arrays, so that all of them are done at about the same time."""

from collections.abc import Collection, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple, Protocol


class Drive(NamedTuple):
    """`columns` that are read with the same rows driven: `settle` and `step` [ps] are what driving them and what
    converting as many of them as there are ADCs takes, `energy` [pJ] what driving them once more costs."""

    height: int
    columns: int
    settle: int
    step: int
    energy: float

    def time(self, columns: int, adcs: int) -> int:
        """What an array takes for so many of the columns."""
        return self.settle - (-columns // adcs) * self.step


class Piece(NamedTuple):
    """Some columns of a drive, in an array."""

    drive: int
    first: int
    columns: int
    array: int


Loads = dict[int, int]
"""What each array that has something of a stage takes for it [ps]."""


class Room(Protocol):
    """Where there is room for columns of a height."""

    def begin(self, height: int) -> None:
        """Another stage, or another height."""
        ...

    def idle(self, height: int, loads: Loads) -> int | None:
        """Of the arrays that have nothing of this stage yet, and room, the best."""
        ...

    def crowded(self, height: int) -> Collection[int]:
        """The busy arrays that may have room, once no idle one has any."""
        ...

    def free(self, height: int, array: int) -> int:
        """How many columns there is room for."""
        ...

    def take(self, height: int, array: int, columns: int) -> None:
        """So many columns less."""
        ...


class OpenRoom:
    """So many arrays with so many columns; however many pieces there are in one, there is room for another."""

    def __init__(self, arrays: int, columns: int) -> None:
        self.arrays, self.columns = arrays, columns

    def begin(self, height: int) -> None:
        pass

    def idle(self, height: int, loads: Loads) -> int | None:
        return len(loads) if len(loads) < self.arrays else None

    def crowded(self, height: int) -> Collection[int]:
        return range(self.arrays)

    def free(self, height: int, array: int) -> int:
        return self.columns

    def take(self, height: int, array: int, columns: int) -> None:
        pass


class _Queue:
    """Arrays by how much of them is `free`, the most first; busy ones are put aside, once a stage.

    So a stage of n pieces costs n log n, however many arrays there are. Arrays of which nothing is free need not be
    named.
    """

    def __init__(self, free: dict[int, int]) -> None:
        self.free = free
        self.heap = [(-count, array) for array, count in free.items() if count]
        heapify(self.heap)
        self.aside: set[int] = set()

    def begin(self) -> None:
        for array in self.aside:
            if self.free[array]:
                heappush(self.heap, (-self.free[array], array))
        self.aside.clear()

    def best(self, loads: Loads) -> int | None:
        heap, free = self.heap, self.free
        while heap:
            count, array = heap[0]
            if free[array] == -count:
                if array not in loads:
                    return array
                self.aside.add(array)
            heappop(heap)
        return None

    def take(self, array: int, count: int) -> None:
        self.free[array] -= count
        self.aside.add(array)


class CellRoom:
    """Arrays of so many `columns` and `cells`, of which a column of a height takes `size[height]`, wherever it lies."""

    def __init__(self, arrays: int, columns: int, cells: int, size: Mapping[int, int]) -> None:
        self.columns, self.size = columns, size
        self.queue = _Queue(dict.fromkeys(range(arrays), cells))

    def begin(self, height: int) -> None:
        self.queue.begin()

    def idle(self, height: int, loads: Loads) -> int | None:
        array = self.queue.best(loads)
        return array if array is not None and self.queue.free[array] >= self.size[height] else None

    def crowded(self, height: int) -> Collection[int]:
        return self.queue.aside

    def free(self, height: int, array: int) -> int:
        return min(self.columns, self.queue.free[array] // self.size[height])

    def take(self, height: int, array: int, columns: int) -> None:
        self.queue.take(array, columns * self.size[height])


class PlannedRoom:
    """`columns[height][array]` columns are free, none where that is not said."""

    def __init__(self, columns: Mapping[int, dict[int, int]]) -> None:
        self.queues = {height: _Queue(free) for height, free in columns.items()}

    def begin(self, height: int) -> None:
        self.queues[height].begin()

    def idle(self, height: int, loads: Loads) -> int | None:
        return self.queues[height].best(loads)

    def crowded(self, height: int) -> Collection[int]:
        return self.queues[height].aside

    def free(self, height: int, array: int) -> int:
        return self.queues[height].free[array]

    def take(self, height: int, array: int, columns: int) -> None:
        self.queues[height].take(array, columns)


class Dealt(NamedTuple):
    """The pieces of a stage, what the array with the most of them takes [ps], and what driving rows more than once
    costs [pJ]."""

    pieces: list[Piece]
    time: int
    energy: float


def deal(height: int, drives: Sequence[Drive], target: int, room: Room, adcs: int, loads: Loads) -> Dealt | None:
    """Give the drives of a stage, all of one `height`, to arrays, the longest first, each to the array that has least
    to do.

    What would keep it longer than `target` is cut off between columns, a multiple of `adcs`, and dealt by itself. Once
    all arrays are busy for so long, the target grows. None if there is not room for all. `loads` are those of what has
    been dealt of the stage before, and are added to.
    """
    room.begin(height)
    waiting = [(-drive.time(drive.columns, adcs), number, 0, drive.columns) for number, drive in enumerate(drives)]
    heapify(waiting)
    crowded: list[tuple[int, int]] | None = None
    pieces: list[Piece] = []
    energy = 0.0
    while waiting:
        _, number, first, left = heappop(waiting)
        drive = drives[number]
        array = room.idle(height, loads) if crowded is None else None
        if array is None:
            if crowded is None:
                crowded = [(loads[own], own) for own in room.crowded(height) if room.free(height, own)]
                heapify(crowded)
            if not crowded:
                return None
            _, array = heappop(crowded)
        load = loads.get(array, 0)
        while target - load - drive.settle < drive.step:
            target += max(drive.step, target // 8)
        columns = min(left, (target - load - drive.settle) // drive.step * adcs, room.free(height, array))
        room.take(height, array, columns)
        pieces.append(Piece(number, first, columns, array))
        loads[array] = load = load + drive.time(columns, adcs)
        if crowded is not None and room.free(height, array):
            heappush(crowded, (load, array))
        if columns < left:
            rest = left - columns
            heappush(waiting, (-drive.time(rest, adcs), number, first + columns, rest))
            energy += drive.energy
    return Dealt(pieces, max(loads.values(), default=0), energy)
