"""The interconnect: links that move one vector at a time, or any number of vectors at the same time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

from passes.schedule_arrays.analysis.steps import Moved


@dataclass(frozen=True, eq=False)
class Move:
    """A vector that is ready to move: for how long [ps], what to do when it begins, and whether it may."""

    duration: int
    begin: Callable[[Moved], None]
    may_begin: Callable[[], bool] = lambda: True
    """Takes what else it needs; if that is not there, the move is added again when it is."""


class Links:
    """`count` links (None: as many as there are vectors, without numbers), and the vectors that wait for one."""

    def __init__(self, count: int | None) -> None:
        self.count = count
        self.idle = list(range(count or 0))
        self.busy: list[tuple[int, int]] = []
        """Until when which link moves a vector."""
        self.queue: list[tuple[int, int, Move]] = []
        self.order = 0

    def add(self, path: int, move: Move) -> None:
        """A move is ready; the longer the path from it to the end, the earlier it begins."""
        heappush(self.queue, (-path, self.order, move))
        self.order += 1

    def begin(self, now: int) -> Iterator[tuple[Move, Moved]]:
        """What begins to move now, and how."""
        while self.busy and self.busy[0][0] <= now:
            heappush(self.idle, heappop(self.busy)[1])
        while self.queue and (self.count is None or self.idle):
            move = heappop(self.queue)[2]
            if not move.may_begin():
                continue
            link = 0 if self.count is None else heappop(self.idle)
            if self.count is not None:
                heappush(self.busy, (now + move.duration, link))
            yield move, Moved(link, now, move.duration)
