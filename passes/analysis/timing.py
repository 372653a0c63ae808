"""How long conversions take: settling and shared ADCs, plane by plane, in whole picoseconds (docs/cost-model.md)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dialects.errors import UserError

Numbers = npt.NDArray[np.int64]

LONGEST_PS = 1 << 60
"""Of a whole program, about two weeks: no sum of such times overflows 64 bits."""


def check_time(picoseconds: float) -> None:
    """UserError for a time that no program takes."""
    if picoseconds > LONGEST_PS:
        raise UserError("the program takes more than two weeks on this chip: correct the times of the chip")


@dataclass(frozen=True)
class ArrayTimes:
    """What the time of an activation depends on: settling of a plane, ADCs a crossbar, their time by bits.

    `adc_ps[a - 1]` is the time of one conversion to `a` bits.
    """

    settle_ps: int
    adcs: int
    adc_ps: tuple[int, ...]

    def activation(self, planes: int, columns: int, bits: int) -> int:
        """`planes * (settle + ceil(columns / adcs) * adc(bits))` [ps]: all slices convert in parallel."""
        return planes * (self.settle_ps + -(-columns // self.adcs) * self.adc_ps[bits - 1])

    def activations(self, planes: Numbers, columns: Numbers, bits: Numbers) -> Numbers:
        """As `activation`, for arrays of numbers."""
        return planes * (self.settle_ps + -(-columns // self.adcs) * np.array(self.adc_ps, np.int64)[bits - 1])
