"""Where weights are cut, so that loads are filled with parts of them."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from passes.analysis.places import Table
from passes.analysis.tiling import are_cut_from, grid_tiles
from passes.place_tiles.analysis.cuts import Strip, strips_of, tiles_between


def cells(tiles: Table) -> int:
    return int((tiles[:, 2] * tiles[:, 3]).sum())


@dataclass
class Cells:
    """A load of so many cells, of which some may be taken; `loads` tells what is in each."""

    most: int
    loads: list[int] = field(default_factory=lambda: [0])

    def fits(self, tiles: Table) -> bool:
        return self.loads[-1] + cells(tiles) <= self.most

    def take(self, tiles: Table) -> None:
        self.loads[-1] += cells(tiles)

    def close(self) -> bool:
        had = self.loads[-1] > 0
        self.loads += [0] * had
        return had


def test_between_columns_where_tiles_begin() -> None:
    tiles, room = grid_tiles(8, 14, 4, 4), Cells(8 * 8)
    assert strips_of(tiles, 14, room) == [Strip(0, 8, ((0, 8),)), Strip(8, 14, ((0, 8),))]
    assert room.loads == [64, 48]


def test_between_rows_where_a_column_of_tiles_is_too_large() -> None:
    tiles, room = grid_tiles(10, 6, 4, 4), Cells(4 * 4)
    rows = ((0, 4), (4, 8), (8, 10))
    assert strips_of(tiles, 6, room) == [Strip(0, 4, rows), Strip(4, 6, ((0, 4), (4, 10)))]
    assert room.loads == [16, 16, 16, 12]


def test_what_is_left_of_a_load_is_filled_first() -> None:
    tiles, room = grid_tiles(8, 12, 4, 4), Cells(64, [40])
    assert strips_of(tiles, 12, room) == [
        Strip(0, 4, ((0, 4), (4, 8))),
        Strip(4, 8, ((0, 8),)),
        Strip(8, 12, ((0, 4), (4, 8))),
    ]
    assert room.loads == [56, 64, 16]


def test_where_nothing_is_left_a_load_begins() -> None:
    room = Cells(64, [60])
    assert strips_of(grid_tiles(8, 8, 4, 4), 8, room) == [Strip(0, 8, ((0, 8),))]
    assert room.loads == [60, 64]


@pytest.mark.parametrize("used", [0, 5])
def test_a_tile_that_is_too_large(used: int) -> None:
    assert strips_of(grid_tiles(8, 8, 4, 4), 8, Cells(15, [used])) is None


def test_a_part_has_the_rows_of_its_blocks() -> None:
    blocks = np.array([[2, 1, 3, 2], [5, 3, 3, 2], [8, 5, 3, 2]])
    assert strips_of(blocks, 8, Cells(12)) == [Strip(0, 5, ((2, 8),)), Strip(5, 8, ((8, 11),))]


@pytest.mark.parametrize("seed", range(8))
def test_every_cell_is_in_one_part(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns, height, width = (int(random.integers(1, most)) for most in (30, 30, 6, 6))
    tiles, most = grid_tiles(rows, columns, height, width), int(random.integers(height * width, 200))
    room = Cells(most, [int(random.integers(most))])
    strips = strips_of(tiles, columns, room)
    assert strips is not None
    pieces: list[Table] = []
    for strip in strips:
        for span in strip.rows:
            own = tiles_between(tiles, strip, span)
            pieces.append(own + np.array([span[0], strip.first, 0, 0]))
    assert are_cut_from(np.concatenate(pieces), tiles)
    assert max(room.loads) <= most
    assert all(load > most - height * width for load in room.loads[:-1])
