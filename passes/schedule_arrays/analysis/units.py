"""Units that are all the same: what is ready runs on those that are free, the most urgent first."""

from heapq import heappop, heappush, nsmallest
from typing import Generic, NamedTuple, TypeVar

Work = TypeVar("Work")
_LOOK_AHEAD = 16
"""Of so many that are ready, some may run before the most urgent one, which waits for more units."""


class _Waiting(NamedTuple):
    urgency: int
    """Less is more urgent."""
    order: int
    units: int
    duration: int


class Units(Generic[Work]):
    """Units, numbered from `first` on, and what waits for them; those that never ran are counted, not listed."""

    def __init__(self, first: int, count: int) -> None:
        self.fresh, self.end = first, first + count
        self.idle: list[int] = []
        """Units that have run before."""
        self.busy: list[tuple[int, int]] = []
        """Until when which unit works."""
        self.queue: list[_Waiting] = []
        self.works: dict[int, Work] = {}
        self.orders = 0

    def add(self, path: int, units: int, duration: int, work: Work) -> None:
        """Work is ready, which takes that many units at once; the longer the path from it to the end, the earlier."""
        heappush(self.queue, _Waiting(-path, self.orders, units, duration))
        self.works[self.orders] = work
        self.orders += 1

    def begin(self, now: int) -> list[tuple[Work, tuple[int, ...]]]:
        """What begins now, and on which units.

        The most urgent work that finds too few units gets the first that will be enough of them. Until then others may
        run: those that end before, and those for which there are units enough beside it.
        """
        while self.busy and self.busy[0][0] <= now:
            heappush(self.idle, heappop(self.busy)[1])
        begun: list[tuple[Work, tuple[int, ...]]] = []
        while self.queue and self.queue[0].units <= self._free:
            begun.append(self._run(heappop(self.queue), now))
        if self.queue and self._free:
            begun += self._before(self.queue[0].units, now)
        return begun

    @property
    def _free(self) -> int:
        return len(self.idle) + self.end - self.fresh

    def _before(self, needed: int, now: int) -> list[tuple[Work, tuple[int, ...]]]:
        """What runs before the most urgent work, which needs more units than are free."""
        lacking = needed - self._free
        enough = nsmallest(lacking, self.busy)[-1][0]
        beside = self._free + sum(end <= enough for end, _ in self.busy) - needed
        begun: list[tuple[Work, tuple[int, ...]]] = []
        rest = [heappop(self.queue) for _ in range(min(_LOOK_AHEAD, len(self.queue)))]
        for waiting in rest[:]:
            ends_before = now + waiting.duration <= enough
            if waiting.units <= self._free and (ends_before or waiting.units <= beside):
                beside -= 0 if ends_before else waiting.units
                begun.append(self._run(waiting, now))
                rest.remove(waiting)
        for waiting in rest:
            heappush(self.queue, waiting)
        return begun

    def _run(self, waiting: _Waiting, now: int) -> tuple[Work, tuple[int, ...]]:
        units = tuple(self._take() for _ in range(waiting.units))
        for unit in units:
            heappush(self.busy, (now + waiting.duration, unit))
        return self.works.pop(waiting.order), units

    def _take(self) -> int:
        """The free unit with the least number."""
        if self.idle:
            return heappop(self.idle)
        self.fresh += 1
        return self.fresh - 1
