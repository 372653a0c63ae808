"""How long a row group of a tile takes: settling and shared ADCs, plane by plane (the formula of docs/numerics.md)."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class TileTiming:
    """What the time of a row group depends on: planes of an input, settling [ns], ADCs a crossbar, their time [ns]."""

    planes: int
    settle_ns: float
    adcs: int
    adc_ns: Callable[[int], float]

    def picoseconds(self, columns: int, adc_bits: int) -> int:
        """`planes * (t_settle + ceil(columns / adcs) * t_adc(adc_bits))`, in ps: all slices convert in parallel."""
        steps = -(-columns // self.adcs)
        return round(1000 * self.planes * (self.settle_ns + steps * self.adc_ns(adc_bits)))
