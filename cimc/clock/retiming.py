"""When steps run if they last for another time than in the program: in its order on every resource, none idle for long.

The program's own durations give starts that are nowhere later than its own.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np

from cimc.clock.graph import Kind, Pool, Steps
from cimc.clock.lists import Lists, Numbers


@dataclass(frozen=True, eq=False)
class Retimed:
    """When each step starts [ps], when all is over, and all that each step waits for."""

    starts: Numbers
    latency: int
    waits: Lists
    """steps that must have ended: those that a step needs, and those from which it takes a unit or registers"""


def retimed(steps: Steps) -> Retimed:
    """Each step as early as what it needs, its resources and registers allow, in the order of the program's starts.

    Units of a kind are interchangeable, and so are the sets of registers of an array.
    """
    return _Clock(steps).run()


def ends_of(steps: Steps, waits: Lists, duration: Numbers) -> Numbers:
    """When each step ends if it lasts for `duration` and starts as soon as the steps that it waits for have ended [ps].

    `waits` are those of a `Retimed` of the same steps.
    """
    ends: list[int] = [0] * len(steps)
    lengths: list[int] = duration.tolist()
    first: list[int] = waits.first.tolist()
    values: list[int] = waits.values.tolist()
    for step in steps.order.tolist():
        ends[step] = lengths[step] + max([ends[other] for other in values[first[step] : first[step + 1]]], default=0)
    return np.array(ends, np.int64)


@dataclass(eq=False)
class _Registers:
    """The sets of registers of arrays: what has taken each, and when it is free again."""

    steps: Steps
    sets: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """the residence that took each set last, by array"""
    begins: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """the residences that have begun: when their set was free, and whose it was, -1 for none"""

    def __post_init__(self) -> None:
        registers = self.steps.registers
        self.arrays: list[int] = registers.array.tolist()
        self.closers: list[int] = np.diff(registers.outward.first).tolist()
        """how many outward steps each residence still waits for"""
        self.ends = [0] * len(self.arrays)
        self.opening = _by_step(registers.inward, len(self.steps))
        self.closing = _by_step(registers.outward, len(self.steps))
        self.outward = registers.outward

    def free(self, step: int, waits: list[int]) -> int:
        """When an inward step can write to registers; adds to `waits` what it waits for."""
        ready = 0
        for residence in self.opening.get(step, ()):
            if residence not in self.begins:
                self.begins[residence] = self._take(residence)
            free, before = self.begins[residence]
            ready = max(ready, free)
            if before >= 0:
                waits += self.outward.of(before).tolist()
        return ready

    def _take(self, residence: int) -> tuple[int, int]:
        sets = self.sets.setdefault(self.arrays[residence], [])
        if len(sets) < self.steps.buffers:
            sets.append(residence)
            return 0, -1
        done = [i for i, other in enumerate(sets) if not self.closers[other]]
        assert done, "the program takes registers that are not free"
        chosen = min(done, key=lambda i: self.ends[sets[i]])
        before, sets[chosen] = sets[chosen], residence
        return self.ends[before], before

    def ended(self, step: int, end: int) -> None:
        """A step with which arrays may be done."""
        for residence in self.closing[step]:
            self.closers[residence] -= 1
            self.ends[residence] = max(self.ends[residence], end)


def _by_step(lists: Lists, steps: int) -> dict[int, list[int]]:
    """The numbers of the lists that each step is in."""
    members: dict[int, list[int]] = {}
    for number, step in zip(lists.owners.tolist(), lists.values.tolist(), strict=True):
        members.setdefault(step, []).append(number)
    return members


class _Units:
    """Units of a kind in groups: when each group is free, how many they are, and the last step that they did."""

    def __init__(self, count: int) -> None:
        self.groups: list[tuple[int, int, int]] = [(0, -1, count)] if count else []

    def take(self, count: int, waits: list[int]) -> int:
        """When so many units are free, the first ones that are; adds to `waits` the steps that they did."""
        free = 0
        while count:
            free, last, there = heappop(self.groups)
            if last >= 0:
                waits.append(last)
            if there > count:
                heappush(self.groups, (free, last, there - count))
            count -= min(count, there)
        return free

    def release(self, count: int, step: int, end: int) -> None:
        """So many of the units that were taken do a step until `end`."""
        heappush(self.groups, (end, step, count))


@dataclass(eq=False)
class _Clock:
    """What is free from when on, as steps start in the program's order."""

    steps: Steps
    ends: list[int] = field(default_factory=list[int])
    owners: list[int] = field(default_factory=list[int])
    others: list[int] = field(default_factory=list[int])
    last_of_array: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        self.registers = _Registers(self.steps)
        self.pools = [_Units(len(pool)) for pool in self.steps.pools]
        self.ends = [0] * len(self.steps)
        self.pool: list[int] = self.steps.pool.tolist()
        self.units: list[int] = self.steps.units.tolist()
        self.first: list[int] = self.steps.resources.first.tolist()
        self.resources: list[int] = self.steps.resources.values.tolist()

    def run(self) -> Retimed:
        steps, ends = self.steps, self.ends
        starts = [0] * len(steps)
        duration: list[int] = steps.duration.tolist()
        first: list[int] = steps.needs.first.tolist()
        values: list[int] = steps.needs.values.tolist()
        kinds: list[int] = steps.kind.tolist()
        busy, closing = self._busy(), self.registers.closing
        order: list[int] = steps.order.tolist()
        for step in order:
            begin: int = max([ends[other] for other in values[first[step] : first[step + 1]]], default=0)
            kind, length = kinds[step], duration[step]
            if busy[step]:
                begin = self._free(step, kind, length, begin)
            starts[step], ends[step] = begin, begin + length
            if step in closing:
                self.registers.ended(step, ends[step])
        return self._result(starts)

    def _busy(self) -> list[bool]:
        """Whether a step occupies anything."""
        return ((self.steps.units > 0) | (self.steps.kind == Kind.INWARD)).tolist()

    def _free(self, step: int, kind: int, duration: int, ready: int) -> int:
        """When all is free that a step occupies from then on, `ready` at the earliest."""
        waits: list[int] = []
        free, pool = ready, self.pool[step]
        if kind == Kind.INWARD:
            free = max(free, self.registers.free(step, waits))
        if kind == Kind.ACTIVATION:
            array = self.resources[self.first[step]]
            last = self.last_of_array.get(array)
            if last is not None:
                waits.append(last)
                free = max(free, self.ends[last])
            self.last_of_array[array] = step
        elif pool != Pool.NONE:
            units = self.units[step]
            free = max(free, self.pools[pool].take(units, waits))
            self.pools[pool].release(units, step, free + duration)
        self.owners += [step] * len(waits)
        self.others += waits
        return free

    def _result(self, starts: list[int]) -> Retimed:
        needs = self.steps.needs
        owners = np.concatenate([needs.owners, np.array(self.owners, np.int64)])
        others = np.concatenate([needs.values, np.array(self.others, np.int64)])
        waits = Lists.of_pairs(owners, others, len(self.steps))
        return Retimed(np.array(starts, np.int64), max(self.ends, default=0), waits)
