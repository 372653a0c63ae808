"""Memory of mapped files: their pages are read when they are touched, and stay until they are given back."""

import mmap
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dialects.element_types import Array


def mapping_of(array: Array) -> mmap.mmap | None:
    """The mapped file that `array` is a view of; None for an array in memory."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None


def release(mapping: mmap.mmap | None) -> None:
    """Give the pages of a mapped file back: they are read again when they are needed."""
    if mapping is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)


@dataclass
class TouchedFiles:
    """Counts what was handed out of mapped files, and gives all of it back where that becomes more than `limit` bytes.

    Arrays that are still in use stay valid.
    """

    limit: int
    _bytes: int = 0
    _mappings: set[mmap.mmap] = field(default_factory=set[mmap.mmap])

    def note(self, array: Array) -> None:
        """`array` is going to be read."""
        mapping = mapping_of(array)
        if mapping is None:
            return
        if self._bytes + array.nbytes > self.limit:
            self.release()
        self._mappings.add(mapping)
        self._bytes += array.nbytes

    def release(self) -> None:
        """Give back all that was handed out."""
        for touched in self._mappings:
            release(touched)
        self._mappings.clear()
        self._bytes = 0
