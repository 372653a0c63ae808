"""Offsets of columns: they fit, the midpoint if it does, and centred ones make the largest sum least."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from dialects.chip.formats import ENCODINGS, CellFormat, Format
from passes.analysis.cells import cells_of
from passes.analysis.offsets import column_offsets, misfit, offsets_of

Tile = NDArray[np.int8]


@st.composite
def tiles(draw: st.DrawFn, bits: int) -> Tile:
    """A tile each of whose columns spans at most `2^bits` numbers, wherever they are."""
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 4)))
    above = draw(hnp.arrays(np.int16, shape, elements=st.integers(0, (1 << bits) - 1)))
    low = draw(hnp.arrays(np.int16, (shape[1],), elements=st.integers(-128, 128 - (1 << bits))))
    return (low + above).astype(np.int8)


def largest_sums(tile: Tile, cell_bits: int, bits: int, offset: int) -> NDArray[np.int64]:
    """For each column the largest sum of a slice if `offset` is added to its numbers."""
    stored = tile.astype(np.int64) + offset
    digits = [(stored >> shift) & ((1 << cell_bits) - 1) for shift in range(0, bits, cell_bits)]
    return np.stack([digit.sum(axis=0) for digit in digits]).max(axis=0)


@given(st.data(), st.integers(2, 8), st.sampled_from([1, 2, 4, 8]))
def test_centred_offsets_are_the_best_of_those_that_fit(data: st.DataObject, bits: int, cell_bits: int) -> None:
    tile = data.draw(tiles(bits))
    cells = CellFormat(Format(bits, "offset"), centred=True)
    offsets = column_offsets(tile, cells, cell_bits)
    low, high = tile.min(axis=0).astype(int), tile.max(axis=0).astype(int)
    for column, offset in enumerate(offsets.tolist()):
        fitting = range(-low[column], (1 << bits) - high[column])
        sums = [int(largest_sums(tile[:, column : column + 1], cell_bits, bits, o)[0]) for o in fitting]
        assert offset == fitting[sums.index(min(sums))]
    assert misfit([tile], cells) is None
    assert cells_of(tile, cell_bits, cells).sum(axis=1).max() == max(
        int(largest_sums(tile[:, [c]], cell_bits, bits, o)[0]) for c, o in enumerate(offsets.tolist())
    )


@given(st.data(), st.integers(2, 8))
def test_offsets_are_the_midpoint_or_what_comes_nearest(data: st.DataObject, bits: int) -> None:
    tile = data.draw(tiles(bits))
    offsets = column_offsets(tile, CellFormat(Format(bits, "offset")), 2)
    for column, offset in enumerate(offsets.tolist()):
        low, high = int(tile[:, column].min()), int(tile[:, column].max())
        fitting = range(-low, (1 << bits) - high)
        assert offset in fitting
        assert offset == min(fitting, key=lambda o: abs(o - (1 << (bits - 1))))


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_tiles_of_one_shape_together(seed: int, centred: bool) -> None:
    """Offsets are those of each tile, whatever it stands among."""
    stack = np.random.default_rng(seed).integers(-40, 60, (3, 5, 4)).astype(np.int8)
    cells = CellFormat(Format(7, "offset"), centred)
    assert (column_offsets(stack, cells, 2) == np.stack([column_offsets(tile, cells, 2) for tile in stack])).all()


@given(st.integers(0, 2**32 - 1), st.booleans(), st.integers(7, 8), st.sampled_from(ENCODINGS))
def test_tiles_one_after_the_other(seed: int, centred: bool, bits: int, encoding: str) -> None:
    generator = np.random.default_rng(seed)
    tiles = [generator.integers(-40, 60, shape).astype(np.int8) for shape in [(2, 3), (5, 1), (2, 3)]]
    cells = CellFormat(Format(bits, encoding), centred and encoding == "offset")
    each = np.concatenate([column_offsets(tile, cells, 2) for tile in tiles])
    assert (offsets_of(tiles, cells, 2) == each).all()


@pytest.mark.parametrize("encoding", ["twos-complement", "differential"])
def test_other_encodings_have_none(encoding: str) -> None:
    assert column_offsets(np.ones((2, 3), np.int8), CellFormat(Format(4, encoding)), 2).tolist() == [0, 0, 0]


def test_the_largest_tile_does_not_overflow() -> None:
    tile = np.full((65535, 1), 127, np.int8)
    tile[0] = -128
    assert column_offsets(tile, CellFormat(Format(8, "offset"), True), 8).tolist() == [128]
    assert column_offsets(tile[1:], CellFormat(Format(8, "offset"), True), 8).tolist() == [-127]


def test_what_does_not_fit_is_told() -> None:
    tile = np.array([[0, -8], [7, 8]], np.int8)
    assert misfit([tile[:, :1]], CellFormat(Format(3, "offset"))) is None
    assert misfit([tile], CellFormat(Format(4, "offset"))) == "has -8 and 8 in one column, 4 bits hold 16 numbers"
    assert misfit([tile], CellFormat(Format(4, "differential"))) == "has 8, 4 bits hold -8 to 7"
    assert misfit([tile], CellFormat(Format(3, "twos-complement"))) == "has -8, 3 bits hold -4 to 3"
    assert misfit([tile], CellFormat(Format(5, "twos-complement"))) is None
    assert misfit([tile], CellFormat(Format(8, "offset"))) is None
