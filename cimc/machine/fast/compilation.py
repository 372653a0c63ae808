"""Whoever waits while the machine's loops are compiled can be told so: it takes seconds, once."""

import contextlib
from collections.abc import Callable, Generator

Tell = Callable[[bool], None]
_listeners: list[Tell] = []


@contextlib.contextmanager
def compilation_told(tell: Tell) -> Generator[None]:
    """Calls `tell` with True when the compilation of a loop begins, and with False when it has ended, in any thread."""
    _listeners.append(tell)
    try:
        yield
    finally:
        _listeners.remove(tell)


def say_compiling(begins: bool) -> None:
    """Tells all that want to know."""
    for tell in tuple(_listeners):
        tell(begins)
