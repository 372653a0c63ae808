"""Planes of inputs: how many, and how large a digit they drive."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.program.arrays.planes import input_bits_of, largest_digits, planes, planes_of
from cimc.program.program import Program
from cimc.program.records import Opcode


@pytest.mark.parametrize(
    ("dac_bits", "of_8", "of_5", "of_4", "signed"), [(1, 8, 5, 4, 8), (2, 4, 3, 2, 5), (4, 2, 2, 1, 3), (8, 1, 1, 1, 2)]
)
def test_planes(dac_bits: int, of_8: int, of_5: int, of_4: int, signed: int) -> None:
    assert [planes(dac_bits, bits) for bits in (8, 5, 4)] == [of_8, of_5, of_4]
    assert planes(dac_bits, 8, signed=True) == signed


@pytest.mark.parametrize(
    ("dac_bits", "of_planes", "digits"), [(2, [3, 5, 4], [3, 3, 3]), (8, [1, 2, 1], [31, 255, 255])]
)
def test_of_records(scheduled: Program, dac_bits: int, of_planes: list[int], digits: list[int]) -> None:
    """The first multiplication is by numbers of 5 bits, the second by signed ones."""
    first, second, third = scheduled.multiplications
    multiplications = [replace(first, input_bits=5), replace(second, signed=True), third]
    program = replace(scheduled, chip=replace(scheduled.chip, dac_bits=dac_bits), multiplications=multiplications)
    records = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
    own = [int(np.flatnonzero(records["y"] == multiplication.y)[0]) for multiplication in multiplications]
    assert planes_of(records, program)[own].tolist() == of_planes
    assert largest_digits(records, program)[own].tolist() == digits
    assert input_bits_of(records, program)[own].tolist() == [5, 8, 8]
