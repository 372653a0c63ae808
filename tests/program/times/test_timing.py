"""How long records take, worked out by hand on the scheduled program."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.program.arrays.planes import planes_of
from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.times.timing import activations_of, record_ends


def timing_of(program: Program) -> Timing:
    assert program.timing is not None
    return program.timing


def test_activations(scheduled: Program) -> None:
    """Both halves of value 2 are one activation: 10 + 4 columns * 4 ps; the row groups of value 3 are two (I15)."""
    found = activations_of(scheduled, timing_of(scheduled))
    assert found.records.tolist() == [3, 4, 7, 8, 15, 16]
    assert found.of_record.tolist() == [0, 0, 1, 2, 3, 3]
    assert found.stage.tolist() == [0, 0, 0, 1]
    assert found.array.tolist() == [0, 1, 1, 0]
    assert found.start.tolist() == [180, 180, 202, 586]
    assert found.duration.tolist() == [26, 22, 22, 26]
    assert found.columns.tolist() == [4, 4, 4, 4]


@pytest.mark.parametrize(
    ("adcs", "dac_bits", "bits", "picoseconds"),
    [
        (1, 8, 4, 10 + 4 * 4),
        (3, 8, 4, 10 + 2 * 4),
        (4, 8, 8, 10 + 1 * 8),
        (4, 1, 1, 8 * (10 + 1 * 4)),
        (4, 2, 4, 4 * (10 + 1 * 4)),
    ],
)
def test_columns_share_adcs_plane_by_plane(
    scheduled: Program, adcs: int, dac_bits: int, bits: int, picoseconds: int
) -> None:
    """The columns of both records count, and the bits of the one that needs more (record 4 has 4)."""
    scheduled.instructions["adc_bits"][3] = bits
    program = replace(scheduled, chip=replace(scheduled.chip, adcs=adcs, dac_bits=dac_bits))
    assert activations_of(program, timing_of(program)).duration[0] == picoseconds


@pytest.mark.parametrize(("dac_bits", "unsigned", "signed"), [(1, 8, 8), (2, 4, 5), (4, 2, 3), (8, 1, 2)])
def test_a_sign_has_a_plane_of_its_own(scheduled: Program, dac_bits: int, unsigned: int, signed: int) -> None:
    """Values 2 and 3 come of unsigned inputs, value 6 of signed ones (N2, I15)."""
    products = [replace(m, signed=m.y == 6) for m in scheduled.multiplications]
    program = replace(scheduled, chip=replace(scheduled.chip, dac_bits=dac_bits), multiplications=products)
    records = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
    assert planes_of(records, program).tolist() == [unsigned] * 4 + [signed] * 2
    durations = activations_of(program, timing_of(program)).duration
    assert durations[[0, 3]].tolist() == [unsigned * 26, signed * 26]


def test_an_activation_takes_the_planes_of_its_signed_inputs(scheduled: Program) -> None:
    """Records of different products in one activation: the rows are driven as long as one of them needs."""
    scheduled.instructions["y"][4] = 3
    products = [replace(m, signed=m.y == 3) for m in scheduled.multiplications]
    found = activations_of(replace(scheduled, multiplications=products), timing_of(scheduled))
    assert found.duration[0] == 2 * 26


def test_records_end(scheduled: Program) -> None:  # I10, I15, I16, I17, I18
    activations = activations_of(scheduled, timing_of(scheduled))
    ends = record_ends(scheduled, timing_of(scheduled), activations)
    expected = [80, 180, 80, 206, 206, 226, 80, 202, 224, 326, 326, 386, 486, 586, 486, 612, 612, 632, 732]
    assert ends.tolist() == expected


def test_kernels_without_timed_operators_end_when_they_start(scheduled: Program) -> None:
    program = replace(scheduled, operations=np.zeros((0, 5), np.int64))
    ends = record_ends(program, timing_of(program), activations_of(program, timing_of(program)))
    assert ends[[0, 11]].tolist() == [0, 326]


def test_no_multiplications_are_no_activations(scheduled: Program) -> None:
    program = replace(scheduled, instructions=scheduled.instructions[:3])
    assert len(activations_of(program, timing_of(program)).duration) == 0
