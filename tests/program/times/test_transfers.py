"""How many bits move, and how long: worked out by hand on the scheduled program (I16, I17)."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, transfer_record
from cimc.program.times.timing import activations_of, record_ends
from cimc.program.times.transfers import move_ps, moved_bits, moves_of

IN1, OUT2, OUT3, PERMUTE, IN5, OUT6 = 1, 9, 10, 12, 13, 18
MOVES = [IN1, OUT2, OUT3, PERMUTE, IN5, OUT6]


def test_bits(scheduled: Program) -> None:
    """Inputs have 8 bits an element, sums and what is permuted 32."""
    assert np.flatnonzero(moves_of(scheduled)).tolist() == MOVES
    bits = moved_bits(scheduled)
    assert bits[MOVES].tolist() == [4 * 8, 2 * 32, 4 * 32, 4 * 32, 4 * 8, 2 * 32]
    assert bits.sum() == bits[MOVES].sum()


def test_inputs_have_the_bits_of_the_product_of_the_stage_that_needs_most(scheduled: Program) -> None:
    first, second, third = scheduled.multiplications
    few = [replace(first, input_bits=4), replace(second, input_bits=5), replace(third, input_bits=6, x=1)]
    again = np.append(scheduled.instructions, transfer_record(stage=1, x=1, direction=INTO_ARRAYS))
    again = np.append(again, transfer_record(stage=2, x=1, direction=INTO_ARRAYS))
    bits = moved_bits(replace(scheduled, multiplications=few, instructions=again))
    assert bits[[IN1, 19, 20]].tolist() == [4 * 5, 4 * 6, 4 * 8]  # no product of stage 2 reads it


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(None, [100] * 6), (64, [600, 1100, 2100, 2100, 600, 1100]), (100.0, [420, 740, 1380, 1380, 420, 740])],
)
def test_durations(scheduled: Program, rate: float | None, expected: list[int]) -> None:
    assert scheduled.timing is not None
    timing = replace(scheduled.timing, link_bits_per_ns=rate)
    durations = move_ps(scheduled, timing)
    assert durations[MOVES].tolist() == expected
    assert durations.sum() == sum(expected)
    ends = record_ends(scheduled, timing, activations_of(scheduled, timing))
    assert (ends - scheduled.instructions["start"].astype(np.int64))[MOVES].tolist() == expected


def test_a_part_of_a_picosecond_is_a_whole_one(scheduled: Program) -> None:
    assert scheduled.timing is not None
    assert move_ps(scheduled, replace(scheduled.timing, link_bits_per_ns=3))[IN1] == 100 + 10667
