"""Rare garbage collections: a compilation makes millions of objects that stay, and to look through them takes long."""

import contextlib
import gc
import threading
from collections.abc import Generator

RARE = (50_000, 10, 2)
"""Thresholds of `gc.set_threshold`; by default the youngest objects are looked through after 700."""

_lock = threading.Lock()
_inside: list[tuple[int, int, int]] = []
"""The thresholds from before each block that has not ended yet."""


@contextlib.contextmanager
def rare_collections() -> Generator[None]:
    """In this block the garbage collector works rarely; after the last of such blocks as it did before the first.

    It is not switched off, for operations that passes erase are cycles: only it frees them.
    """
    with _lock:
        _inside.append(gc.get_threshold())
        if _inside[0][0]:  # 0: whoever calls has switched it off
            gc.set_threshold(*RARE)
    try:
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                gc.set_threshold(*before)
