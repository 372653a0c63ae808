"""Row groups: never clip, as few as can be, with the fewest bits that read their sums."""

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dialects.chip.formats import ENCODINGS, CellFormat, Format
from passes.analysis.cells import Cells, cells_of
from passes.analysis.row_groups import RowGroup, column_bounds, lossless_groups, tile_groups, whole_bounds

shapes = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 3))
OFFSET = CellFormat(Format(8, "offset"))
cells_of_a_tile = hnp.arrays(np.uint8, shapes, elements=st.integers(0, 15))


def largest_sum(cells: Cells, first: int, rows: int, dac_bits: int) -> int:
    """The largest sum of a column of a slice, all inputs being as large as can be."""
    part = cells[:, first : first + rows].astype(int)
    return ((1 << dac_bits) - 1) * int(part.sum(axis=1).max())


def fewest_groups(cells: Cells, dac_bits: int, limit: int) -> int | None:
    """How many groups of consecutive rows are needed, found by trying all."""
    rows = cells.shape[1]

    @cache
    def from_row(first: int) -> int | None:
        if first == rows:
            return 0
        counts = [
            count + 1
            for last in range(first + 1, rows + 1)
            if largest_sum(cells, first, last - first, dac_bits) <= limit and (count := from_row(last)) is not None
        ]
        return min(counts, default=None)

    return from_row(0)


def test_bounds_of_columns() -> None:
    """128 + 3 and 128 - 1 have digits 2 0 0 3 and 1 3 3 3, 128 + 1 has 2 0 0 1."""
    small, large = np.array([[3, 1], [-1, 1]], np.int8), np.zeros((1 << 7, 1 << 7), np.int8)
    bounds = column_bounds([small, large, small], 2, OFFSET, 1)
    assert [own.tolist() for own in bounds] == [[6, 4], [256] * 128, [6, 4]]
    assert [int(own.max()) for own in bounds] == whole_bounds([small, large, small], 2, OFFSET, 1)


@given(cells_of_a_tile, st.sampled_from([1, 2, 4]), st.integers(1, 9))
def test_groups_are_lossless_and_fewest(cells: Cells, dac_bits: int, adc_bits: int):  # N9, N10
    limit = (1 << adc_bits) - 1
    groups = lossless_groups(cells, dac_bits, adc_bits)
    assert (None if groups is None else len(groups)) == fewest_groups(cells, dac_bits, limit)
    first = 0
    for group in groups or []:
        assert group.first == first
        assert group.bound == largest_sum(cells, group.first, group.rows, dac_bits) <= limit
        assert group.bound < 1 << group.adc_bits
        assert group.adc_bits == 1 or group.bound >= 1 << (group.adc_bits - 1)
        assert group.adc_bits <= adc_bits
        first += group.rows
    assert groups is None or first == cells.shape[1]


@pytest.mark.parametrize(("bound", "bits"), [(0, 1), (1, 1), (2, 2), (3, 2), (255, 8), (256, 9)])
def test_bits_that_a_bound_needs(bound: int, bits: int):  # N10
    assert RowGroup(0, 1, bound).adc_bits == bits


def test_one_row_that_is_too_much():
    cells = np.array([[[1], [3], [1]]], np.uint8)
    assert lossless_groups(cells, 1, 2) == [RowGroup(0, 1, 1), RowGroup(1, 1, 3), RowGroup(2, 1, 1)]
    assert lossless_groups(cells, 1, 1) is None
    assert lossless_groups(cells, 2, 2) is None


def test_cells_of_zero_are_one_group():
    assert lossless_groups(np.zeros((4, 256, 256), np.uint8), 8, 1) == [RowGroup(0, 256, 0)]


def test_largest_tile_does_not_overflow():
    cells = np.full((1, 65535, 1), 255, np.uint8)
    groups = lossless_groups(cells, 8, 24)
    assert groups is not None
    assert [(g.rows, g.bound) for g in groups] == [(258, 16776450)] * 254 + [(3, 195075)]


tiles = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 3)).flatmap(lambda shape: hnp.arrays(np.int8, shape)),
    min_size=1,
    max_size=6,
)
hardware = st.tuples(
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([*(CellFormat(Format(8, encoding)) for encoding in ENCODINGS), CellFormat(OFFSET.format, True)]),
    st.sampled_from([1, 2, 4, 8]),
)


@given(tiles, hardware, st.integers(1, 20))
def test_groups_of_many_tiles_are_those_of_each(
    matrices: list[npt.NDArray[np.int8]], chip: tuple[int, CellFormat, int], adc_bits: int
):
    """Tiles of equal shapes are looked at together; where one has a row that is too much, there are none at all."""
    cell_bits, cells, dac_bits = chip
    expected: list[list[int]] | None = []
    for number, matrix in enumerate(matrices):
        groups = lossless_groups(cells_of(matrix, cell_bits, cells), dac_bits, adc_bits)
        if groups is None:
            expected = None
            break
        expected += [[number, g.first, g.rows, g.adc_bits, 0, g.bound] for g in groups]
    found = tile_groups(matrices, cell_bits, cells, dac_bits, adc_bits, 0)
    assert (None if found is None else found.tolist()) == expected


@given(tiles, hardware, st.integers(1, 12), st.integers(1, 12))
def test_lossy_groups_are_whole_tiles(
    matrices: list[npt.NDArray[np.int8]], chip: tuple[int, CellFormat, int], adc_bits: int, lossy: int
):
    """The bound tells what could be there, the bits are those that are read: fewer only where fewer do."""
    cell_bits, cells, dac_bits = chip
    lossy = min(lossy, adc_bits)
    found = tile_groups(matrices, cell_bits, cells, dac_bits, adc_bits, lossy)
    assert found is not None
    for number, (matrix, row) in enumerate(zip(matrices, found.tolist(), strict=True)):
        bound = largest_sum(cells_of(matrix, cell_bits, cells), 0, len(matrix), dac_bits)
        assert row == [number, 0, len(matrix), min(lossy, max(1, bound.bit_length())), 0, bound]


def test_tiles_in_more_than_one_batch(monkeypatch: pytest.MonkeyPatch):
    generator = np.random.default_rng(0)
    matrices = [generator.integers(-128, 128, (3, 2)).astype(np.int8) for _ in range(7)]
    expected = whole_bounds(matrices, 2, OFFSET, 1)
    monkeypatch.setattr("passes.analysis.batches._BATCH", 13)
    assert whole_bounds(matrices, 2, OFFSET, 1) == expected
    assert expected == [largest_sum(cells_of(matrix, 2, OFFSET), 0, 3, 1) for matrix in matrices]


def test_no_tiles():
    found = tile_groups([], 2, OFFSET, 1, 8, 0)
    assert found is not None
    assert found.shape == (0, 6)
