"""What the steps of a program run on, and how long vectors move, by the numbers of its chip."""

import math

from dialects.hardware import ChipAttr
from passes.rewriting.chip_times import array_times, picoseconds
from passes.schedule_arrays.analysis.steps import Resources


def resources_of(chip: ChipAttr) -> Resources:
    """What the steps of a program for this chip are scheduled on."""
    costs = chip.digital_costs()
    return Resources(
        array_times(chip),
        chip.digital_units,
        picoseconds(chip.add_ns),
        vector_width=int(chip.number("vector_width") or chip.columns),
        attention_units=0 if costs is None else costs.attention_units,
        buffers=chip.buffers,
        links=chip.links,
    )


def move_ps(chip: ChipAttr, bits: int) -> int:
    """How long a vector of so many bits moves on a link, into arrays, out of them or permuted [ps]."""
    rate = chip.number("link_bits_per_ns")
    return picoseconds(chip.transfer_ns) + (0 if rate is None else math.ceil(1000 * bits / rate))
