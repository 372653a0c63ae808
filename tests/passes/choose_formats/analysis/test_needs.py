"""The bits that a weight needs, with offsets and with a sign."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dialects.chip.formats import ENCODINGS, CellFormat, Format
from passes.analysis.offsets import Weights, misfit
from passes.choose_formats.analysis.needs import Need, need_of


@pytest.mark.parametrize(
    ("columns", "need"),
    [
        ([[0, 0]], Need(2, 2)),
        ([[1, -2]], Need(2, 2)),
        ([[-3, 0]], Need(2, 3)),
        ([[0, 7]], Need(3, 4)),
        ([[8, -8]], Need(5, 5)),
        ([[0, 15], [-15, 0]], Need(4, 5)),
        ([[127, 127], [-128, -128]], Need(2, 8)),
        ([[-128, 127]], Need(8, 8)),
    ],
)
def test_bits(columns: list[list[int]], need: Need) -> None:
    """The numbers of each column."""
    assert need_of([np.array(columns, np.int8).T]) == need


@given(st.lists(hnp.arrays(np.int8, st.tuples(st.integers(1, 4), st.integers(1, 3))), min_size=1, max_size=5))
def test_fewer_bits_do_not_hold_the_weight(tiles: list[Weights]) -> None:
    need = need_of(tiles)
    for encoding in ENCODINGS:
        bits = need.bits(encoding)
        assert all(misfit([tile], CellFormat(Format(bits, encoding))) is None for tile in tiles)
        narrower = CellFormat(Format(bits - 1, encoding))
        assert bits == 2 or any(misfit([tile], narrower) is not None for tile in tiles)


def test_large_tiles_and_small_ones() -> None:
    tile = np.zeros((128, 128), np.int8)
    tile[5, 7] = -9
    assert need_of([tile]) == Need(4, 5)
    assert need_of([np.full((2, 2), 3, np.int8), tile, np.array([[0], [40]], np.int8)]) == Need(6, 7)
