"""The pieces of one array in shelves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passes.place_tiles.analysis.spreading.shelves import Part, pack
from passes.place_tiles.analysis.spreading.strips import Size


def test_wide_pieces_stay_whole_beside_tall_ones() -> None:
    """8x8: one of 4x2 leaves a shelf of 4x6 for two of 2x6, which strips of the tall one's width would cut."""
    assert pack([(4, 2), (2, 6), (2, 6)], Size(8, 8)) == [
        Part(0, 0, 2, 0, 0),
        Part(1, 0, 6, 0, 2),
        Part(2, 0, 6, 2, 2),
    ]


def test_what_fits_nowhere_is_cut_and_goes_on_in_the_same_rows() -> None:
    parts = pack([(8, 3), (4, 3), (4, 3), (4, 2)], Size(8, 7))
    assert parts == [
        Part(0, 0, 3, 0, 0),
        Part(1, 0, 3, 0, 3),
        Part(2, 0, 3, 4, 3),
        Part(3, 0, 1, 0, 6),
        Part(3, 1, 1, 4, 6),
    ]


def test_too_much() -> None:
    assert pack([(5, 4), (5, 4)], Size(8, 7)) is None
    assert pack([(8, 8)], Size(8, 7)) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 8)), min_size=1, max_size=16))
def test_heights_that_divide_each_other_fit_as_long_as_there_are_cells(some: list[tuple[int, int]]) -> None:
    pieces = [(1 << power, columns) for power, columns in some]
    parts = pack(pieces, Size(8, 8))
    assert (parts is None) == (sum(height * columns for height, columns in pieces) > 64)
    if parts is not None:
        cells = np.zeros((8, 8), np.int64)
        seen = [np.zeros(columns, np.int64) for _, columns in pieces]
        for piece, first, columns, row, column in parts:
            assert column + columns <= 8
            cells[row : row + pieces[piece][0], column : column + columns] += 1
            seen[piece][first : first + columns] += 1
        assert cells.max() == 1
        assert all((own == 1).all() for own in seen)
