"""Where weights are cut that alone need too many crossbars."""

from collections.abc import Callable

import numpy as np
import pytest

from passes.analysis.places import Table
from passes.analysis.tiling import are_cut_from, grid_tiles
from passes.place_tiles.analysis.cuts import Strip, strips_of, tiles_between


def at_most(cells: int) -> Callable[[Table], bool]:
    return lambda tiles: int((tiles[:, 2] * tiles[:, 3]).sum()) <= cells


def test_between_columns_where_tiles_begin() -> None:
    tiles = grid_tiles(8, 14, 4, 4)
    assert strips_of(tiles, 14, at_most(8 * 8)) == [Strip(0, 8, ((0, 8),)), Strip(8, 14, ((0, 8),))]


def test_between_rows_where_a_column_of_tiles_is_too_large() -> None:
    tiles = grid_tiles(10, 6, 4, 4)
    rows = ((0, 4), (4, 8), (8, 10))
    assert strips_of(tiles, 6, at_most(4 * 4)) == [Strip(0, 4, rows), Strip(4, 6, ((0, 8), (8, 10)))]


def test_a_tile_that_is_too_large() -> None:
    assert strips_of(grid_tiles(8, 8, 4, 4), 8, at_most(15)) is None


def test_a_part_has_the_rows_of_its_blocks() -> None:
    blocks = np.array([[2, 1, 3, 2], [5, 3, 3, 2], [8, 5, 3, 2]])
    assert strips_of(blocks, 8, at_most(12)) == [Strip(0, 5, ((2, 8),)), Strip(5, 8, ((8, 11),))]


@pytest.mark.parametrize("seed", range(8))
def test_every_cell_is_in_one_part(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns, height, width = (int(random.integers(1, most)) for most in (30, 30, 6, 6))
    tiles, most = grid_tiles(rows, columns, height, width), int(random.integers(height * width, 200))
    strips = strips_of(tiles, columns, at_most(most))
    assert strips is not None
    pieces: list[Table] = []
    for strip in strips:
        for span in strip.rows:
            own = tiles_between(tiles, strip, span)
            assert at_most(most)(own)
            pieces.append(own + np.array([span[0], strip.first, 0, 0]))
    assert are_cut_from(np.concatenate(pieces), tiles)
