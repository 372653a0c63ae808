"""Cells stand for weights: the sum of cells times their significance is the weight, in every encoding."""

import numpy as np
import pytest
from numpy.typing import NDArray

from passes.schedule_arrays.analysis.cells import Cells, cells_of

ALL = np.arange(-128, 128, dtype=np.int8).reshape(16, 16)


def weights_of(cells: Cells, cell_bits: int, encoding: str) -> NDArray[np.int64]:
    """The numbers that cells stand for, by the definition in docs/numerics.md."""
    digits = cells.astype(np.int64)
    if encoding == "offset":
        return sum_of(digits, cell_bits) - 128
    if encoding == "differential":
        half = len(digits) // 2
        return sum_of(digits[:half], cell_bits) - sum_of(digits[half:], cell_bits)
    if cell_bits == 1:
        return sum_of(digits[:7], 1) - 128 * digits[7]
    return sum_of(digits[:-1], cell_bits) - 128 * digits[-1]


def sum_of(digits: NDArray[np.int64], cell_bits: int) -> NDArray[np.int64]:
    return np.tensordot(1 << (cell_bits * np.arange(len(digits))), digits, axes=1)


@pytest.mark.parametrize("encoding", ["offset", "twos-complement", "differential"])
@pytest.mark.parametrize("cell_bits", [1, 2, 4, 8])
def test_cells_stand_for_every_weight(cell_bits: int, encoding: str):
    cells = cells_of(ALL, cell_bits, encoding)
    assert cells.dtype == np.uint8
    assert cells.max() < 1 << cell_bits
    assert (weights_of(cells, cell_bits, encoding) == ALL).all()


@pytest.mark.parametrize(
    ("cell_bits", "encoding", "slices"),
    [
        (1, "offset", 8),
        (2, "offset", 4),
        (8, "offset", 1),
        (1, "twos-complement", 8),
        (2, "twos-complement", 5),
        (8, "twos-complement", 2),
        (1, "differential", 16),
        (4, "differential", 4),
    ],
)
def test_slices(cell_bits: int, encoding: str, slices: int):
    assert cells_of(ALL, cell_bits, encoding).shape == (slices, 16, 16)


def test_sign_bit_has_a_cell_of_one_bit():
    assert cells_of(ALL, 2, "twos-complement")[-1].max() == 1


def test_least_weight_needs_eight_bits_of_magnitude():
    cells = cells_of(np.array([[-128]], np.int8), 4, "differential")
    assert cells.reshape(-1).tolist() == [0, 0, 0, 8]
