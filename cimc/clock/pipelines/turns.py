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
    copies that the resource has to do with. If it is not 1, a token's own uses are kept apart as well, though those
    of several copies never meet in one token: a program's schedule counts them all.
    """

    def __init__(self, interval: int, most: int, book: Callable[[int], AnyBook]) -> None:
        self.interval, self.most = interval, most
        self.book = book(interval * most)
        self.line = book(EVER) if most > 1 else None

    @property
    def period(self) -> int:
        """After how long all is as before [ps]."""
        return self.interval * self.most

    def wait(self, start: int, duration: int, copies: int = 1, copy: int = 0, whole: bool = True) -> int | None:
        """How much later than `start` there is room for so long; None if there never is.

        If not `whole`, what a token does itself does not count.
        """
        if self.line is None:
            return self.book.wait(start, duration)
        if copies < self.most and duration > copies * self.interval:
            return None
        waited, settled = 0, False
        last = max(0, self.line.last - start)  # from then on the token is not in its own way
        while not settled and waited <= last + self.most * self.interval:
            settled = True
            own = (self.line.wait(start + waited, duration) or 0) if whole else 0
            for place in self._places(start + waited, copies, copy):
                wait = self.book.wait(place, duration)
                if wait is None:
                    return None
                own = max(own, wait)
            if own:
                waited, settled = waited + own, False
        return waited if settled else None

    def add(self, start: int, duration: int, copies: int = 1, copy: int = 0, whole: bool = True) -> None:
        """Reserve what has room; if not `whole`, `settle` follows."""
        if self.line is None:
            self.book.add(start, duration)
            return
        if whole:
            self.line.add(start, duration)
        for place in self._places(start, copies, copy):
            self.book.add(place, duration)

    def is_free(self, start: int, duration: int) -> bool:
        """Whether a token does nothing else itself in that time."""
        return self.line is None or not self.line.wait(start, duration)

    def settle(self, start: int, duration: int) -> None:
        """Reserve for a token itself what is reserved of the periods."""
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

    def remove(self, start: int, duration: int, copies: int = 1, copy: int = 0, whole: bool = True) -> None:
        """Give back what is reserved."""
        if self.line is not None and whole:
            self.line.remove(start, duration)
        for place in self._places(start, copies, copy):
            self.book.remove(place, duration)

    def idle(self, start: int) -> int:
        """For how long nothing has been reserved before `start`, where nothing is."""
        return self.book.idle(start)
