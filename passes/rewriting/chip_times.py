"""A chip's times in whole picoseconds, in which all times of a schedule are."""

from dialects.chip.keys import SECOND_NS
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from passes.analysis.stages.resources import Resources
from passes.analysis.timing import ArrayTimes


def picoseconds(nanoseconds: float) -> int:
    """Whole picoseconds. UserError for a step of more than a second."""
    if nanoseconds > SECOND_NS:
        raise UserError(f"a step of {nanoseconds:g} ns: expected at most a second, correct the times of the chip")
    return round(1000 * nanoseconds)


def adc_times(chip: ChipAttr) -> tuple[int, ...]:
    """The time of a conversion to 1, 2, ... bits, in ps; 1 at least, so that an activation takes some time."""
    return tuple(max(1, picoseconds(chip.adc_ns(bits))) for bits in range(1, chip.adc_bits + 1))


def array_times(chip: ChipAttr) -> ArrayTimes:
    """What the time of an activation depends on."""
    return ArrayTimes(picoseconds(chip.settle_ns), chip.adcs, adc_times(chip))


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
