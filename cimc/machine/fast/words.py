"""What compiled loops and their callers agree on; without numba, which takes long to import."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

LANES = 16
"""How many numbers of 32 bits lie side by side where nothing else is said."""
Words: TypeAlias = NDArray[np.uint32]
Bytes: TypeAlias = NDArray[np.uint8]
Digits: TypeAlias = NDArray[np.int64]
"""int64 [digits, (first bit, bits, significance)]: planes of inputs, or slices of cells, the widest first."""


def pair_room(stride: int, vectors: int) -> int:
    """How many words of room products of bytes need for weights and inputs that are widened, where they are."""
    return (stride + 3) // 4 * 2 * (LANES + vectors)


def aligned(words: int) -> Words:
    """So many zeros, that begin where a line of the processor's cache begins: else each vector would be in two."""
    zeros = np.zeros(words + LANES, np.uint32)
    first = -zeros.ctypes.data % (4 * LANES) // 4
    return zeros[first : first + words]
