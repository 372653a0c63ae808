"""The spot check: some records once more in the reference engine, which must add the same to the last bit."""

import numpy as np
from numpy.typing import NDArray

from cimc.machine.engine import Engine, Inputs
from cimc.machine.reference import ReferenceEngine
from cimc.program.errors import ProgramError
from cimc.program.records import Opcode


class SpotCheckedEngine:
    """An engine some of whose records are executed a second time, by the reference engine.

    `percent` of the MULTIPLY records, at least one, are chosen at random, others with another `seed`, and checked the
    first time that they are executed. `multiply` raises ProgramError for the first that adds something else, or clips
    another number of conversions; `numbers` are those by which records are known to the user.
    """

    def __init__(
        self, engine: Engine, reference: ReferenceEngine, numbers: NDArray[np.intp], percent: float, seed: int
    ) -> None:
        self.engine = engine
        self.reference = reference
        self.instructions = engine.instructions
        self.numbers = numbers
        self.multiplies = np.flatnonzero(self.instructions["op"] == Opcode.MULTIPLY)
        count = min(len(self.multiplies), max(1, round(len(self.multiplies) * percent / 100)))
        chosen = np.random.default_rng(seed).choice(self.multiplies, count, replace=False)
        self.chosen = self.waiting = np.sort(chosen)

    def multiply(self, first: int, last: int, x: Inputs, y: NDArray[np.int32]) -> int:
        """As the engine's; see `Engine`."""
        if len(x):  # products of no vectors are alike whatever an engine does
            start, stop = np.searchsorted(self.waiting, (first, last)).tolist()
            for number in self.waiting[start:stop].tolist():
                self._check(number, x, y.shape)
            self.waiting = np.delete(self.waiting, slice(start, stop))
        return self.engine.multiply(first, last, x, y)

    def __str__(self) -> str:
        chosen = f"{len(self.chosen) - len(self.waiting):,} of {len(self.multiplies):,} MULTIPLY records"
        return f"spot check: {chosen} add the same in the reference engine"

    def _check(self, number: int, x: Inputs, shape: tuple[int, ...]) -> None:
        sums, expected = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        clipped = self.engine.multiply(number, number + 1, x, sums)
        expected_clipped = self.reference.multiply(number, number + 1, x, expected)
        record = f"spot check: record {self.numbers[number]}"
        for t, n in np.argwhere(sums != expected)[:1].tolist():
            raise ProgramError(
                f"{record} adds {sums[t, n]} to element {n} of vector {t}, {expected[t, n]} in the reference engine"
            )
        if clipped != expected_clipped:
            raise ProgramError(f"{record} clips {clipped} conversions, {expected_clipped} in the reference engine")
