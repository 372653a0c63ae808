"""The reference engine by hand: digits, what cells hold, and single records; test_engines.py has random programs."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.machine.reference import ReferenceEngine, digits, slices
from cimc.program.arrays.formats import WEIGHT_BITS, Format
from cimc.program.metadata import DIGIT_BITS, ENCODINGS
from cimc.program.program import Program
from cimc.program.records import Records, multiply_records


@pytest.mark.parametrize("width", DIGIT_BITS)
@pytest.mark.parametrize("signed", [False, True])
def test_digits_are_worth_the_number(width: int, signed: bool) -> None:  # N1, N2
    """Each has at most so many bits, and all bits are in one."""
    for size in range(2, 9):
        parts = digits(width, signed, size)
        assert sorted(bit for _, bits in parts for bit in bits) == list(range(size))
        assert all(len(bits) <= width for _, bits in parts)
        for number in range(1 << size):
            worth = sum(
                significance * sum((number >> bit & 1) << i for i, bit in enumerate(bits))
                for significance, bits in parts
            )
            assert worth == (number - (1 << size) if signed and number >> size - 1 else number)


def test_the_sign_is_a_digit_of_its_own() -> None:
    assert digits(4, signed=True) == [(1, [0, 1, 2, 3]), (16, [4, 5, 6]), (-128, [7])]
    assert digits(4, signed=False) == [(1, [0, 1, 2, 3]), (16, [4, 5, 6, 7])]
    assert digits(2, signed=True, bits=4) == [(1, [0, 1]), (4, [2]), (-8, [3])]
    assert digits(2, signed=False, bits=5) == [(1, [0, 1]), (4, [2, 3]), (16, [4])]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("cell_bits", DIGIT_BITS)
def test_slices_are_worth_the_weight(encoding: str, cell_bits: int) -> None:  # N3, N4, N5
    for format in (Format(bits, encoding) for bits in WEIGHT_BITS):
        parts = slices(format, cell_bits)
        assert len(parts) == format.slices(cell_bits)
        assert all(len(bits) <= cell_bits for _, _, bits in parts)
        for weight in (-1 << format.bits - 1, -1, 0, 1, (1 << format.bits - 1) - 1):
            stored = {"number": weight + format.midpoint, "positive": max(weight, 0), "negative": max(-weight, 0)}
            held = [(worth, sum((stored[n] >> bit & 1) << i for i, bit in enumerate(bits))) for n, worth, bits in parts]
            assert sum(worth * cell for worth, cell in held) == weight + format.midpoint


def record(**changes: int) -> Records:
    """The four inputs by the upper left of array 1 of the program made by hand: rows 0 and 1, columns 4 to 6."""
    fields = {
        "stage": 0, "x": 2, "y": 3, "array": 1, "k": 0, "n": 0, "row": 0, "column": 4, "rows": 2, "columns": 3,
        "adc_bits": 8, "bound": 0,
    }  # fmt: skip
    return multiply_records(**{**fields, **changes})


def product(program: Program, records: Records, x: list[int], signed: bool = False) -> tuple[list[int], int]:
    """What a record adds to zeros, and how many conversions it clips."""
    y = np.zeros((1, 3), np.int32)
    clipped = ReferenceEngine(program, records).multiply(
        0, len(records), np.array([x], np.int8 if signed else np.uint8), y
    )
    return y[0].tolist(), clipped


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("signed", [False, True])
def test_a_record_without_a_loss_is_a_product_of_integers(handmade: Program, encoding: str, signed: bool) -> None:
    program = replace(handmade, formats=[Format(8, encoding)], offsets=np.zeros(0, np.int16))
    x = [-128, 127, 5, 6] if signed else [255, 3, 5, 6]
    weights = program.arrays[1, :2, 4:7].astype(np.int64)
    expected = (np.array(x[:2]) @ weights).tolist()
    assert product(program, record(), x, signed) == (expected, 0)


def test_records_take_their_rows_and_elements(handmade: Program) -> None:
    weights = handmade.arrays[1, :4, 4:7].astype(np.int64)
    assert product(handmade, record(k=1, row=1, rows=1), [9, 7, 5, 3]) == ((7 * weights[1]).tolist(), 0)
    second = record(k=2, row=2, n=1, column=5, columns=2)
    assert product(handmade, second, [9, 7, 5, 3]) == ([0, *(5 * weights[2] + 3 * weights[3])[1:].tolist()], 0)
    both = np.concatenate([record(), record()])
    assert product(handmade, both, [1, 1, 0, 0]) == ((2 * weights[:2].sum(axis=0)).tolist(), 0)


def test_conversions_clip_and_are_counted(handmade: Program) -> None:
    """To one bit, of sums of up to 6: every plane and slice whose sum is above 1 loses something."""
    exact, _ = product(handmade, record(), [255, 255, 0, 0])
    lossy, clipped = product(handmade, record(adc_bits=1), [255, 255, 0, 0])
    assert clipped > 0
    assert lossy != exact


def test_bits_that_are_dropped_are_rounded_half_up(handmade: Program) -> None:  # N7
    """A weight of 1 in one row of offset 128: cells 1, 0, 0, 2 of two bits; 1 becomes 2, 2 stays, 0 stays."""
    arrays = np.zeros_like(handmade.arrays)
    arrays[1, 0, 4] = 1
    program = replace(handmade, arrays=arrays)
    assert product(program, record(rows=1, columns=1, adc_shift=1), [1, 0, 0, 0]) == ([2, 0, 0], 0)


def test_sums_wrap_around_as_int32_does(handmade: Program) -> None:  # N8
    weights = handmade.arrays[1, :2, 4:7].astype(np.int64).sum(axis=0)
    y = np.full((1, 3), 2**31 - 1, np.int32)
    ReferenceEngine(handmade, record()).multiply(0, 1, np.ones((1, 4), np.uint8), y)
    expected = (2**31 - 1 + weights + 2**31) % 2**32 - 2**31
    assert y[0].tolist() == expected.tolist()
