"""What a chip's numbers mean for a schedule: its times in whole picoseconds, and what stages run on."""

from dialects.chip.keys import SECOND_NS
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.stage import Resources


def picoseconds(nanoseconds: float) -> int:
    """Whole picoseconds: all times of a schedule are. UserError for a step of more than a second."""
    if nanoseconds > SECOND_NS:
        raise UserError(f"a step of {nanoseconds:g} ns: expected at most a second, correct the times of the chip")
    return round(1000 * nanoseconds)


def adc_times(chip: ChipAttr) -> tuple[int, ...]:
    """The time of a conversion to 1, 2, ... bits, in ps; 1 at least, so that an activation takes some time."""
    return tuple(max(1, picoseconds(chip.adc_ns(bits))) for bits in range(1, chip.adc_bits + 1))


def resources_of(chip: ChipAttr) -> Resources:
    """What the stages of a program for this chip are scheduled on."""
    times = ArrayTimes(picoseconds(chip.settle_ns), chip.adcs, adc_times(chip))
    vector_width = int(chip.number("vector_width") or chip.columns)
    return Resources(times, chip.digital_units, picoseconds(chip.add_ns), vector_width)
