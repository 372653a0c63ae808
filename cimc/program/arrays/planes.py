"""Planes: the bits of inputs that are driven onto the rows of an array at a time (N1, N2)."""

import numpy as np
from numpy.typing import NDArray

from cimc.program.metadata import INPUT_BITS
from cimc.program.program import Program
from cimc.program.records import Records


def planes(dac_bits: int, input_bits: int, signed: bool = False) -> int:
    """How many planes inputs have; a sign is one of its own where planes have several bits."""
    return -(-input_bits // dac_bits) + (signed and dac_bits > 1)


def input_bits_of(records: Records, program: Program) -> NDArray[np.int64]:
    """How many bits the inputs of each MULTIPLY record have."""
    bits = np.full(program.slots, max(INPUT_BITS), np.int64)
    for multiplication in program.multiplications:
        bits[multiplication.y] = multiplication.input_bits
    return bits[records["y"]]


def planes_of(records: Records, program: Program) -> NDArray[np.int64]:
    """Planes of the inputs of each MULTIPLY record."""
    count = np.zeros(program.slots, np.int64)
    for made in program.multiplications:
        count[made.y] = planes(program.chip.dac_bits, made.input_bits, made.signed)
    return count[records["y"]]


def largest_digits(records: Records, program: Program) -> NDArray[np.int64]:
    """The largest digit that a plane of each MULTIPLY record may drive onto a row (N9)."""
    return (1 << np.minimum(input_bits_of(records, program), program.chip.dac_bits)) - 1
