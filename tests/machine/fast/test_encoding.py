"""Cells and planes: how many there are, and that together they are worth the weight or input."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.machine.fast.encoding import Fields, cell_fields, input_fields, slice_table, weight_codes
from cimc.program.arrays.formats import WEIGHT_BITS, Format
from cimc.program.arrays.planes import planes
from cimc.program.metadata import DIGIT_BITS, ENCODINGS, INPUT_BITS

BYTES = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)


def worth(codes: NDArray[np.integer], fields: Fields) -> list[int]:
    parts = zip(fields.firsts.tolist(), fields.widths.tolist(), fields.significances.tolist(), strict=True)
    numbers = codes.astype(np.int64)
    return sum((s * (numbers >> first & (1 << width) - 1) for first, width, s in parts), 0 * numbers).tolist()


def weights(bits: int) -> NDArray[np.int8]:
    return np.arange(-1 << bits - 1, 1 << bits - 1).astype(np.int8)


@pytest.mark.parametrize("cell_bits", DIGIT_BITS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_cells_are_worth_the_weight(encoding: str, cell_bits: int) -> None:  # N3, N4, N5
    for bits in WEIGHT_BITS:
        format = Format(bits, encoding)
        fields = cell_fields(format, cell_bits)
        codes = weight_codes(weights(bits), ENCODINGS.index(encoding), format.midpoint)
        assert worth(codes, fields) == (weights(bits).astype(int) + format.midpoint).tolist()
        assert (fields.widths <= cell_bits).all()
        assert len(fields.firsts) == format.slices(cell_bits)


def test_offsets_move_weights_to_where_cells_are() -> None:
    numbers, offsets = np.array([[-128, 127], [-113, 112]], np.int8), np.array([128, -112], np.int16)
    codes = weight_codes(numbers, ENCODINGS.index("offset"), offsets)
    assert codes.tolist() == [[0, 15], [15, 0]]


@pytest.mark.parametrize("dac_bits", DIGIT_BITS)
def test_planes_are_worth_the_input(dac_bits: int) -> None:  # N1, N2
    assert worth(BYTES & 255, input_fields(dac_bits, True)) == BYTES.tolist()
    assert len(input_fields(dac_bits, True).firsts) == planes(dac_bits, 8, signed=True)
    for bits in INPUT_BITS:
        fields, numbers = input_fields(dac_bits, False, bits), np.arange(1 << bits)
        assert worth(numbers, fields) == numbers.tolist()
        assert len(fields.firsts) == planes(dac_bits, bits)


@pytest.mark.parametrize(
    ("formats", "widths"),
    [
        ([Format(8, "offset")], [[2, 2, 2, 2]]),
        ([Format(5, "offset"), Format(4, "twos-complement")], [[2, 2, 1], [2, 1, 1]]),
        ([Format(3, "differential"), Format(2, "offset")], [[2, 2, 1, 1], [2]]),
    ],
)
def test_slices_of_formats_are_the_widest_first(formats: Sequence[Format], widths: list[list[int]]) -> None:
    table = slice_table(formats, 2)
    assert [table.of(number)[:, 1].tolist() for number in range(len(formats))] == widths
    assert table.formats[:, 2].tolist() == [ENCODINGS.index(format.encoding) for format in formats]
