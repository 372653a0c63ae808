"""Memory of mapped files: it is read when it is touched, and should be given back when it is no longer needed."""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PORTION = 1 << 24


def release(array: NDArray[Any]) -> None:
    """Gives back the memory of the file that `array` is a view of, if it is one; when needed it is read again."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def portions(array: NDArray[Any]) -> Iterator[memoryview]:
    """The bytes of an array, 16 MB at a time, each given back after use."""
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    for start in range(0, len(data), _PORTION):
        yield data[start : start + _PORTION]
        release(array)
