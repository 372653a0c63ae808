"""When two blocks of numbers are the same."""

from collections.abc import Hashable
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt


def identity(block: npt.NDArray[Any]) -> Hashable:
    """What blocks have in common that are equal to the last bit, type and shape included, and no others."""
    return block.shape, block.dtype.str, blake2b(np.ascontiguousarray(block).tobytes(), digest_size=16).digest()
