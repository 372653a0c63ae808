"""Cells stand for weights: the sum of cells times their significance is the weight, in every format."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dialects.chip.formats import ENCODINGS, CellFormat, Format
from passes.analysis.cells import Cells, cells_of
from passes.analysis.offsets import column_offsets


def all_weights(bits: int) -> NDArray[np.int8]:
    """All that a signed weight of so many bits can be, in four columns."""
    return np.arange(-(1 << (bits - 1)), 1 << (bits - 1)).astype(np.int8).reshape(-1, 4)


def weights_of(cells: Cells, cell_bits: int, format_: Format) -> NDArray[np.int64]:
    """The numbers that cells stand for, without their offset, by the definition in docs/numerics.md."""
    digits = cells.astype(np.int64)
    if format_.encoding == "offset":
        return sum_of(digits, cell_bits)
    if format_.encoding == "differential":
        half = len(digits) // 2
        return sum_of(digits[:half], cell_bits) - sum_of(digits[half:], cell_bits)
    return sum_of(digits[:-1], cell_bits) - (digits[-1] << (format_.bits - 1))


def sum_of(digits: NDArray[np.int64], cell_bits: int) -> NDArray[np.int64]:
    return np.tensordot(1 << (cell_bits * np.arange(len(digits))), digits, axes=1)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("cell_bits", [1, 2, 4, 8])
def test_cells_stand_for_every_weight(cell_bits: int, bits: int, encoding: str) -> None:  # N3, N4, N5
    weights, format_ = all_weights(bits), Format(bits, encoding)
    cells = cells_of(weights, cell_bits, CellFormat(format_))
    offsets = column_offsets(weights, CellFormat(format_), cell_bits)
    assert cells.dtype == np.uint8
    assert cells.shape == (format_.slices(cell_bits), *weights.shape)
    assert cells.max() < 1 << min(cell_bits, bits)
    assert (weights_of(cells, cell_bits, format_) == weights + offsets).all()
    assert (offsets == (1 << (bits - 1) if encoding == "offset" else 0)).all()


def test_columns_that_lie_elsewhere_have_offsets_of_their_own() -> None:
    weights = np.array([[-15, 0, -128], [0, 15, -120]], np.int8)
    cells = cells_of(weights, 2, CellFormat(Format(4, "offset")))
    assert weights_of(cells, 2, Format(4, "offset")).tolist() == [[0, 0, 0], [15, 15, 8]]


def test_sign_bit_has_a_cell_of_one_bit() -> None:
    assert cells_of(all_weights(8), 2, CellFormat(Format(8, "twos-complement")))[-1].max() == 1


def test_least_weight_needs_all_bits_of_magnitude() -> None:
    cells = cells_of(np.array([[-128]], np.int8), 4, CellFormat(Format(8, "differential")))
    assert cells.reshape(-1).tolist() == [0, 0, 0, 8]
