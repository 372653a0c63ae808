"""How many bits the numbers of a weight need."""

from collections.abc import Sequence
from dataclasses import dataclass

from dialects.chip.formats import FEWEST_BITS, OFFSET
from passes.analysis.batches import batches
from passes.analysis.offsets import Weights, column_limits


@dataclass(frozen=True)
class Need:
    """The fewest bits in which a weight can stand: with an offset for each column of its tiles, and with a sign."""

    offset: int
    signed: int

    def bits(self, encoding: str) -> int:
        """The fewest bits in this encoding."""
        return self.offset if encoding == OFFSET else self.signed


def need_of(tiles: Sequence[Weights]) -> Need:
    """What tiles int8 [rows, columns] of a weight need: with offsets the widest span in a column tells, else limits."""
    span = low = high = 0
    for _, together in batches(tiles):
        least, most = column_limits(together)
        span = max(span, int((most - least).max(initial=0)))
        low, high = min(low, int(least.min(initial=0))), max(high, int(most.max(initial=0)))
    signed = 1 + max(high.bit_length(), (-low - 1).bit_length() if low else 0)
    return Need(max(FEWEST_BITS, span.bit_length()), max(FEWEST_BITS, signed))
