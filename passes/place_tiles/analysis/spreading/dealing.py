"""Deals the tiles of a stage over arrays, so that all of them are done at about the same time."""

from collections.abc import Collection, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise, product
from typing import NamedTuple, Protocol

WHOLE = 1 << 61
"""A target that cuts nothing."""


class Drive(NamedTuple):
    """`columns` that are read with the same rows driven: `settle` and `step` [ps] are what driving them and what
    converting as many of them as there are ADCs takes, `energy` [pJ] what driving them once more costs.

    From columns on that are `later` (first column, step), a step takes less.
    """

    height: int
    columns: int
    settle: int
    step: int
    energy: float
    later: tuple[tuple[int, int], ...] = ()

    def step_from(self, first: int) -> int:
        """The longest step of the columns from this one on."""
        if not self.later:
            return self.step
        return min((step for begin, step in self.later if begin <= first), default=self.step)

    def dealt(self, way: "Way", adcs: int) -> list[tuple[int, int]]:
        """First column, and columns, of what is dealt by itself; columns that are converted together are."""
        if not way.apart:
            return [(0, self.columns)]
        begins = {0, *(-(-begin // adcs) * adcs for begin, _ in self.later)}
        limits = [*sorted(begin for begin in begins if begin < self.columns), self.columns]
        return [(begin, end - begin) for begin, end in pairwise(limits)]

    def time(self, columns: int, adcs: int, first: int = 0) -> int:
        """What an array takes for so many of the columns."""
        return self.settle - (-columns // adcs) * self.step_from(first)


class Way(NamedTuple):
    """How drives are dealt.

    * `in_a_row`: what is cut off is dealt next, and an array gets some of the next drive as long as that is in time.
      An array gets few drives then, but the last one may have to be cut for a little.
    * `apart`: columns that take longer than others of their drive are dealt by themselves.
    """

    in_a_row: bool = False
    apart: bool = False


PLAIN_WAY = Way()
WAYS = tuple(Way(*flags) for flags in product((False, True), repeat=2))


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


def deal(
    height: int,
    drives: Sequence[Drive],
    target: int,
    room: Room,
    adcs: int,
    loads: Loads,
    way: Way = PLAIN_WAY,
) -> Dealt | None:
    """Give the drives of a stage, all of one `height`, to arrays, the longest first, each to the array that has least
    to do.

    What would keep it longer than `target` is cut off between columns, a multiple of `adcs`, and dealt by itself, or
    another `way`. Once all arrays are busy for so long, the target grows. None if there is not room for all. `loads`
    are those of what has been dealt of the stage before, and are added to.
    """
    room.begin(height)
    waiting = [
        (-drive.time(columns, adcs, first), number, first, columns)
        for number, drive in enumerate(drives)
        for first, columns in drive.dealt(way, adcs)
    ]
    heapify(waiting)
    crowded: list[tuple[int, int]] | None = None
    pieces: list[Piece] = []
    energy = sum(drive.energy * (len(drive.dealt(way, adcs)) - 1) for drive in drives) if way.apart else 0.0
    begun: int | None = None
    while waiting:
        _, number, first, left = heappop(waiting)
        drive = drives[number]
        array = None
        if begun is not None:
            if target - loads[begun] - drive.settle >= drive.step_from(first) and room.free(height, begun):
                array = begun
            begun = None
        if array is None:
            array = room.idle(height, loads) if crowded is None else None
        if array is None:
            if crowded is None:
                crowded = [(loads[own], own) for own in room.crowded(height) if room.free(height, own)]
                heapify(crowded)
            if not crowded:
                return None
            _, array = heappop(crowded)
        elif way.in_a_row:
            begun = array
        load, step = loads.get(array, 0), drive.step_from(first)
        while target - load - drive.settle < step:
            target += max(step, target // 8)
        columns = min(left, (target - load - drive.settle) // step * adcs, room.free(height, array))
        room.take(height, array, columns)
        pieces.append(Piece(number, first, columns, array))
        loads[array] = load = load + drive.time(columns, adcs, first)
        if crowded is not None and room.free(height, array):
            heappush(crowded, (load, array))
        if columns < left:
            rest = left - columns
            time = WHOLE if way.in_a_row else drive.time(rest, adcs, first + columns)
            heappush(waiting, (-time, number, first + columns, rest))
            energy += drive.energy
    return Dealt(pieces, max(loads.values(), default=0), energy)
