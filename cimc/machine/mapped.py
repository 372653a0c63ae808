"""Memory of mapped files: read when it is touched, given back when it is no longer needed."""

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray


def release(array: NDArray[Any]) -> None:
    """Gives back the memory of the file that `array` is a view of, if it is one; the file is read again when needed."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base  # pyright: the base of an array may be anything
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
