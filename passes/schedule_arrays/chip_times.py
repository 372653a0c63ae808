"""How long vectors move, by the numbers of a chip."""

import math

from dialects.hardware import ChipAttr
from passes.rewriting.chip_times import picoseconds


def move_ps(chip: ChipAttr, bits: int) -> int:
    """How long a vector of so many bits moves on a link, into arrays, out of them or permuted [ps]."""
    rate = chip.number("link_bits_per_ns")
    return picoseconds(chip.transfer_ns) + (0 if rate is None else math.ceil(1000 * bits / rate))
