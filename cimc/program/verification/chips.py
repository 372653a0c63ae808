"""Checks of the chip that a program is made for."""

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.formats import AUTO
from cimc.program.errors import ProgramError
from cimc.program.metadata import (
    BUFFERS,
    DIGIT_BITS,
    ENCODINGS,
    LINK_BITS_PER_NS,
    MAXIMAL_ARRAY_SIDE,
    MAXIMAL_DETAIL,
    MAXIMAL_LINKS,
    MAXIMAL_UNITS,
    Chip,
    Timing,
)
from cimc.program.records import ADC_BITS


def verify_chip(chip: Chip, arrays: NDArray[np.int8]) -> None:
    """The chip is one that the machine can imitate, and the arrays have its shape."""
    if chip.encoding not in (*ENCODINGS, AUTO):
        raise ProgramError(f"chip encoding {chip.encoding} is unknown, expected {', '.join((*ENCODINGS, AUTO))}")
    for name, bits in (("cell_bits", chip.cell_bits), ("dac_bits", chip.dac_bits)):
        if bits not in DIGIT_BITS:
            raise ProgramError(f"chip {name} is {bits}, expected 1, 2, 4 or 8")
    for name, number, most in (
        ("rows", chip.rows, MAXIMAL_ARRAY_SIDE),
        ("columns", chip.columns, MAXIMAL_ARRAY_SIDE),
        ("adcs", chip.adcs, MAXIMAL_ARRAY_SIDE),
        ("adc_bits", chip.adc_bits, max(ADC_BITS)),
    ):
        if not 1 <= number <= most:
            raise ProgramError(f"chip {name} is {number}, expected 1 to {most}")
    for key, value in chip.details.items():
        if isinstance(value, int | float) and not abs(value) <= MAXIMAL_DETAIL:
            raise ProgramError(f"chip {key} is a number above {MAXIMAL_DETAIL}")
    if arrays.shape[1:] != (chip.rows, chip.columns):
        raise ProgramError(f"arrays have shape {arrays.shape[1:]}, the chip has {(chip.rows, chip.columns)}")


def verify_timing(timing: Timing | None) -> None:
    """There are as many units, sets of registers and links as a chip can have."""
    if timing is None:
        return
    for name, units in (("digital_units", timing.digital_units), ("attention_units", timing.attention_units)):
        if units > MAXIMAL_UNITS:
            raise ProgramError(f"{name} is {units}, expected at most {MAXIMAL_UNITS}")
    if timing.buffers not in BUFFERS:
        raise ProgramError(f"buffers is {timing.buffers}, expected {' or '.join(map(str, BUFFERS))}")
    if timing.links is not None and not 1 <= timing.links <= MAXIMAL_LINKS:
        raise ProgramError(f"links is {timing.links}, expected 1 to {MAXIMAL_LINKS}")
    (least, most), rate = LINK_BITS_PER_NS, timing.link_bits_per_ns
    if rate is not None and not least <= rate <= most:
        raise ProgramError(f"link_bits_per_ns is {rate}, expected {least} to {most}")
