"""What is reserved of a resource at every time modulo a period: no two stretches of it lie on each other."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class Circle:
    """Stretches [start, end) of the times from 0 to `period`, ascending; what goes over the end is in two pieces."""

    period: int
    starts: list[int] = field(default_factory=list[int])
    ends: list[int] = field(default_factory=list[int])

    @property
    def last(self) -> int:
        """Where the last stretch ends; 0 if there is none."""
        return self.ends[-1] if self.ends else 0

    def wait(self, start: int, duration: int) -> int | None:
        """How much later than `start` a stretch of this duration has room; None if it never has."""
        if duration > self.period:
            return None
        if not duration or not self.starts:
            return 0
        period, starts, ends = self.period, self.starts, self.ends
        phase, count = start % period, len(starts)
        place = bisect_right(starts, phase)
        waited = max(0, ends[place - 1] - phase) if place else 0
        for after in range(place, place + count + 1):
            turns, index = divmod(after, count)
            if phase + waited + duration <= starts[index] + turns * period:
                return waited
            waited = max(waited, ends[index] + turns * period - phase)
        return None

    def idle(self, start: int) -> int:
        """For how long nothing has been reserved before `start`, where nothing is."""
        phase = start % self.period
        place = bisect_right(self.starts, phase)
        if not self.starts:
            return self.period
        return phase - self.ends[place - 1] if place else phase + self.period - self.ends[-1]

    def add(self, start: int, duration: int) -> None:
        """Reserve a stretch that has room."""
        starts, ends = self.starts, self.ends
        for begin, end in self.pieces(start, duration):
            place = bisect_left(starts, begin)
            before = place > 0 and ends[place - 1] == begin
            after = place < len(starts) and starts[place] == end
            if before and after:
                ends[place - 1] = ends[place]
                del starts[place], ends[place]
            elif before:
                ends[place - 1] = end
            elif after:
                starts[place] = begin
            else:
                starts.insert(place, begin)
                ends.insert(place, end)

    def remove(self, start: int, duration: int) -> None:
        """Give back a stretch that is reserved."""
        for begin, end in self.pieces(start, duration):
            place = bisect_right(self.starts, begin) - 1
            kept = [(self.starts[place], begin), (end, self.ends[place])]
            self.starts[place : place + 1] = [low for low, high in kept if low < high]
            self.ends[place : place + 1] = [high for low, high in kept if low < high]

    def reserved(self, begin: int, end: int) -> list[tuple[int, int]]:
        """What is reserved from `begin` to `end`, both within the period."""
        place = max(0, bisect_right(self.starts, begin) - 1)
        parts: list[tuple[int, int]] = []
        while place < len(self.starts) and self.starts[place] < end:
            if self.ends[place] > begin:
                parts.append((max(begin, self.starts[place]), min(end, self.ends[place])))
            place += 1
        return parts

    def pieces(self, start: int, duration: int) -> Sequence[tuple[int, int]]:
        """A stretch, in two if it goes over the end of the period; it is no longer than that."""
        phase, period = start % self.period, self.period
        if phase + duration <= period:
            return ((phase, phase + duration),) if duration else ()
        return (phase, period), (0, phase + duration - period)


@dataclass(eq=False)
class Sets:
    """Sets of registers of an array: at no time are more of them reserved than there are."""

    period: int
    levels: list[Circle]
    """when at least one, two, ... of them are reserved"""

    @staticmethod
    def of(period: int, count: int) -> "Sets":
        """So many sets, all free."""
        return Sets(period, [Circle(period) for _ in range(count)])

    @property
    def last(self) -> int:
        """From when on no set is reserved any more, within the period."""
        return self.levels[0].last

    def wait(self, start: int, duration: int) -> int | None:
        """How much later than `start` a set is free for so long; None if it never is.

        Longer than the period it takes a set all the time, and one more for what is left.
        """
        whole, rest = divmod(duration, self.period)
        if whole > len(self.levels) or (whole == len(self.levels) and rest):
            return None
        if whole and self.levels[-whole].starts:
            return None
        return self.levels[-whole - 1].wait(start, rest) if rest else 0

    def add(self, start: int, duration: int) -> None:
        """Reserve a set that is free."""
        while duration > 0:
            part = min(duration, self.period)
            carried = list(self.levels[0].pieces(start, part))
            for level in self.levels:
                carried = self._raised(level, carried)
            assert not carried, "more sets of registers are taken than there are"
            start, duration = start + part, duration - part

    def _raised(self, level: Circle, stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Adds stretches to a level where it is not reserved yet; returns where it was."""
        there: list[tuple[int, int]] = []
        for begin, end in stretches:
            parts = level.reserved(begin, end)
            there += parts
            free = zip([begin, *(high for _, high in parts)], [*(low for low, _ in parts), end], strict=True)
            for low, high in list(free):
                level.add(low, high - low)
        return there
