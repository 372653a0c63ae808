"""How many conversions a program makes, and which of them may clip."""

from dataclasses import replace

import numpy as np

from cimc.program.arrays.conversions import are_lossy, clipping_layers, conversions_of, may_clip
from cimc.program.program import Program
from cimc.program.records import Opcode, Records


def multiplies(program: Program) -> Records:
    return program.instructions[program.instructions["op"] == Opcode.MULTIPLY]


def test_signed_inputs_have_a_plane_for_the_sign(handmade: Program) -> None:
    unsigned = replace(handmade, chip=replace(handmade.chip, dac_bits=2))
    signed = replace(unsigned, multiplications=[replace(m, signed=True) for m in handmade.multiplications])
    records = multiplies(handmade)
    assert conversions_of(records, unsigned).sum() > 0
    assert (conversions_of(records, signed) * 4 == conversions_of(records, unsigned) * 5).all()


def test_a_sum_up_to_the_largest_code_cannot_clip(scheduled: Program) -> None:
    """N9: `bound <= 2^bits - 1`, and no bit is dropped."""
    records = multiplies(scheduled)[:4].copy()
    records["adc_bits"], records["adc_shift"], records["bound"] = 3, (0, 0, 1, 0), (7, 8, 7, 0)
    assert are_lossy(records).tolist() == [False, True, True, False]


def test_what_may_clip_of_a_program_and_of_a_multiplication(scheduled: Program) -> None:
    instructions = scheduled.instructions.copy()
    numbers = np.flatnonzero(instructions["op"] == Opcode.MULTIPLY)
    instructions["adc_bits"], instructions["bound"] = 8, 255
    lossless = replace(scheduled, instructions=instructions)
    assert not may_clip(lossless)
    lossy = replace(lossless, instructions=instructions.copy())
    lossy.instructions["bound"][numbers[0]] = 256
    whole, made = may_clip(lossy), conversions_of(multiplies(lossy), lossy)
    assert whole
    assert (whole.row_groups, whole.of_row_groups, whole.layers, whole.of_layers) == (1, len(numbers), 1, 3)
    assert (whole.conversions, whole.of_conversions) == (made[0], made.sum())
    assert clipping_layers(lossy) == {lossy.multiplications[0].y: whole.conversions}
    assert clipping_layers(lossless) == {}
