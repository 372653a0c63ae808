"""What an engine is: something that executes the MULTIPLY records of a program."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cimc.program.records import Records

Inputs = NDArray[np.int8 | np.uint8]
"""Vectors [vectors, K] that are multiplied."""


class Engine(Protocol):
    """Executes records; `instructions` are the program's, in the order in which the engine numbers them."""

    instructions: Records

    def multiply(self, first: int, last: int, x: Inputs, y: NDArray[np.int32]) -> int:
        """Executes records first to last - 1, y [vectors, N] += x [vectors, K] * cells; counts clipped conversions.

        A record of copy i of a weight with c copies takes vectors i, i + c, i + 2c, ... (I25).
        """
        ...
