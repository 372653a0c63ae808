"""What the stages of a program run on, by the numbers of its chip."""

from dialects.hardware import ChipAttr
from passes.rewriting.chip_times import array_times, picoseconds
from passes.schedule_arrays.analysis.stage import Resources


def resources_of(chip: ChipAttr) -> Resources:
    """What the stages of a program for this chip are scheduled on."""
    vector_width = int(chip.number("vector_width") or chip.columns)
    return Resources(array_times(chip), chip.digital_units, picoseconds(chip.add_ns), vector_width)
