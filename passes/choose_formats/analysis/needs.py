"""How many bits the numbers of a weight need."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dialects.chip.formats import FEWEST_BITS, OFFSET
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
    for together in _batches(tiles):
        least, most = column_limits(together)
        span = max(span, int((most - least).max(initial=0)))
        low, high = min(low, int(least.min(initial=0))), max(high, int(most.max(initial=0)))
    signed = 1 + max(high.bit_length(), (-low - 1).bit_length() if low else 0)
    return Need(max(FEWEST_BITS, span.bit_length()), max(FEWEST_BITS, signed))


def _batches(tiles: Sequence[Weights]) -> Iterator[Weights]:
    """The tiles, small ones of one shape together as [tiles, rows, columns]: of a million each would take long."""
    small: dict[tuple[int, ...], list[Weights]] = {}
    for tile in tiles:
        if tile.size >= _LARGE:
            yield tile
        else:
            small.setdefault(tile.shape, []).append(tile)
    for members in small.values():
        step = max(1, _BATCH // members[0].size)
        for first in range(0, len(members), step):
            yield np.stack(members[first : first + step])


_LARGE = 1 << 13
"""Numbers of a tile that is looked at alone."""
_BATCH = 1 << 20
"""Numbers of smaller ones that are looked at together."""
