"""Reservations for every token: by all of them, or by every so manieth where a weight has copies."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from cimc.clock.pipelines.reservation import Circle

EVER = 1 << 62
"""A period [ps] that never ends: for what a single token does."""


class Book(Protocol):
    """What is reserved modulo a period."""

    @property
    def last(self) -> int: ...

    def wait(self, start: int, duration: int) -> int | None: ...

    def add(self, start: int, duration: int) -> None: ...


AnyBook = TypeVar("AnyBook", bound=Book)


class Turns(Generic[AnyBook]):
    """What is reserved of a resource for tokens that follow each other every `interval` ps.

    A use by one of `copies` of a weight, number `copy`, is by every so manieth token; `most` is a multiple of all
    copies that the resource has to do with. If it is not 1, a token's own uses are kept apart as well, on its `line`,
    though those of several copies never meet in one token: a program's schedule counts them all. What is reserved
    `ahead` has no place on that line yet.
    """

    def __init__(self, interval: int, most: int, book: Callable[[int], AnyBook]) -> None:
        self.interval, self.most = interval, most
        self.book = book(interval * most)
        self.line = book(EVER) if most > 1 else None

    def wait(self, start: int, duration: int, copies: int = 1, copy: int = 0, *, ahead: bool = False) -> int | None:
        """How much later than `start` there is room for so long; None if there never is."""
        if self.line is None:
            return self.book.wait(start, duration)
        if copies < self.most and duration > copies * self.interval:
            return None
        waited, settled = 0, False
        last = 0 if ahead else max(0, self.line.last - start)  # from then on the token is not in its own way
        while not settled and waited <= last + copies * self.interval:  # then the use is where it was in the book
            settled = True
            own = 0 if ahead else self.line.wait(start + waited, duration) or 0
            for place in self._places(start + waited, copies, copy):
                wait = self.book.wait(place, duration)
                if wait is None:
                    return None
                own = max(own, wait)
            if own:
                waited, settled = waited + own, False
        return waited if settled else None

    def add(self, start: int, duration: int, copies: int = 1, copy: int = 0, *, ahead: bool = False) -> None:
        """Reserve what has room."""
        if self.line is None:
            self.book.add(start, duration)
            return
        if not ahead:
            self.line.add(start, duration)
        for place in self._places(start, copies, copy):
            self.book.add(place, duration)

    def clash(self, start: int, duration: int) -> int:
        """How much later than `start` the token is not in its own way with what was reserved ahead."""
        return 0 if self.line is None else self.line.wait(start, duration) or 0

    def settle(self, start: int, duration: int) -> None:
        """The place on the token's line of what was reserved ahead."""
        if self.line is not None:
            self.line.add(start, duration)

    def _places(self, start: int, copies: int, copy: int) -> range:
        """Where the use begins in the period of the book."""
        step = copies * self.interval
        first = start + copy * self.interval
        return range(first, first + self.most * self.interval, step)


class Uses(Turns[Circle]):
    """Of what does one thing at a time."""

    def __init__(self, interval: int, most: int) -> None:
        super().__init__(interval, most, Circle)

    def remove(self, start: int, duration: int, copies: int = 1, copy: int = 0, *, ahead: bool = False) -> None:
        """Give back what is reserved."""
        if self.line is not None and not ahead:
            self.line.remove(start, duration)
        for place in self._places(start, copies, copy):
            self.book.remove(place, duration)

    def idle(self, start: int) -> int:
        """For how long nothing has been reserved before `start`, where nothing is."""
        return self.book.idle(start)
