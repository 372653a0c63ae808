"""Cells and planes: how many there are, and that together they are worth the weight or input."""

import numpy as np
import pytest

from cimc.machine.fast.encoding import Fields, cell_fields, code_bits, excess, input_fields, weight_codes
from cimc.program.metadata import DIGIT_BITS, ENCODINGS

BYTES = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)


def worth(codes: np.ndarray[tuple[int], np.dtype[np.int64]], fields: Fields) -> list[int]:
    parts = zip(fields.firsts.tolist(), fields.widths.tolist(), fields.significances.tolist(), strict=True)
    return sum((s * (codes >> first & (1 << width) - 1) for first, width, s in parts), np.zeros(256, int)).tolist()


@pytest.mark.parametrize("bits", DIGIT_BITS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_cells_are_worth_the_weight(encoding: str, bits: int) -> None:  # N3, N4, N5
    fields = cell_fields(encoding, bits)
    assert worth(weight_codes(encoding).astype(np.int64), fields) == (BYTES + excess(encoding)).tolist()
    assert (fields.widths <= bits).all()
    assert (fields.firsts + fields.widths).max() == code_bits(encoding)


@pytest.mark.parametrize("bits", DIGIT_BITS)
@pytest.mark.parametrize("signed", [False, True])
def test_planes_are_worth_the_input(bits: int, signed: bool) -> None:  # N1, N2
    values = BYTES if signed else BYTES & 255
    assert worth(BYTES & 255, input_fields(bits, signed)) == values.tolist()


@pytest.mark.parametrize(
    ("encoding", "slices"),
    [("offset", [8, 4, 2, 1]), ("twos-complement", [8, 5, 3, 2]), ("differential", [16, 8, 4, 2])],
)
def test_number_of_slices(encoding: str, slices: list[int]) -> None:  # N3, N4, N5
    assert [len(cell_fields(encoding, bits).firsts) for bits in DIGIT_BITS] == slices
