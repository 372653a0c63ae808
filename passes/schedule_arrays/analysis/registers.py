"""Sets of registers: which stages an array serves, one in each set."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]
Vector = tuple[int, int]
"""A vector of a stage: the numbers of both."""


class Registers:
    """The sets of registers of all arrays. An array serves stages in their order, so many at a time as it has sets.

    A stage takes sets of arrays one vector after the other, and gives an array's back when all of its products there
    are out, so it holds some while it waits for others. No stages can wait for each other: of those that are not done,
    take the first. In each of its arrays all stages before it are done, and none after it has had its turn before it
    has; so it waits for no registers, and all that it waits for otherwise goes on without any.
    """

    def __init__(self, arrays: int, buffers: int) -> None:
        self.buffers = buffers
        self.stages, self.taken, self.given_back = (np.zeros(arrays, np.int64) for _ in range(3))
        """For each array how many stages use it, how many it began to serve, and how many it has served."""
        self.waiting: dict[int, list[Vector]] = {}
        """Vectors that wait for a set of an array."""

    def turns(self, arrays: Table) -> Table:
        """The number of a stage, the next one in the order, among those that use each of these arrays."""
        turns = self.stages[arrays]
        self.stages[arrays] += 1
        return turns

    def take(self, arrays: Table, turns: Table, vector: Vector) -> bool:
        """Take a set of each of these arrays, for the stage that has these turns; if one has none, wait for it."""
        taken = self.taken[arrays]
        ready = (taken == turns) & (taken - self.given_back[arrays] < self.buffers)
        if not ready.all():
            self.waiting.setdefault(int(arrays[np.argmin(ready)]), []).append(vector)
            return False
        self.taken[arrays] += 1
        return True

    def give_back(self, arrays: Table) -> None:
        """A stage is done in these arrays."""
        self.given_back[arrays] += 1

    def awake(self, arrays: Table) -> Sequence[Vector]:
        """The vectors that waited for one of these arrays, of which a set was taken or given back."""
        if not self.waiting:
            return ()
        changed = set(arrays.tolist()) & self.waiting.keys()
        return [vector for array in sorted(changed) for vector in self.waiting.pop(array)]
