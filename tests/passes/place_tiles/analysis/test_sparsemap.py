"""sparsemap: the blocks of one weight down the diagonals of its arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.places import Placement, illegal_place
from passes.analysis.tiling import block_tiles, grid_tiles
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.sparsemap import place_sparsemap


def blocks(count: int, rows: int, columns: int) -> WeightTiles:
    i = np.arange(count)
    rectangles = np.stack([i * rows, i * columns, 0 * i + rows, 0 * i + columns], axis=1)
    return WeightTiles(block_tiles(rectangles, 256, 256), dense=False)


@pytest.mark.parametrize(
    ("count", "rows", "columns", "arrays"),
    [(32, 32, 32, 4), (64, 64, 64, 16), (9, 32, 32, 2), (4, 63, 64, 1), (5, 63, 64, 2), (8, 16, 128, 4), (1, 1, 1, 1)],
)
def test_blocks_per_array(count: int, rows: int, columns: int, arrays: int) -> None:
    assert arrays_used(place_sparsemap([blocks(count, rows, columns)], 256, 256)) == arrays


def test_dense_weights_have_an_array_a_tile_and_nobody_shares() -> None:
    dense = WeightTiles(grid_tiles(300, 300, 256, 256), dense=True)
    first, second, third = place_sparsemap([blocks(2, 32, 32), dense, blocks(1, 32, 32)], 256, 256)
    assert first.places.tolist() == [[0, 0, 0], [0, 32, 32]]
    assert second.places.tolist() == [[1, 0, 0], [2, 0, 0], [3, 0, 0], [4, 0, 0]]
    assert third.places.tolist() == [[5, 0, 0]]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 8), st.integers(1, 8)), max_size=5))
def test_no_two_blocks_of_an_array_share_a_row_or_a_column(shapes: list[tuple[int, int, int]]) -> None:
    weights = [WeightTiles(blocks(*shape).tiles, dense=False) for shape in shapes]
    placements = place_sparsemap(weights, 8, 8)
    assert illegal_place(placements, 8, 8) is None
    assert all(np.array_equal(p.tiles, w.tiles) for p, w in zip(placements, weights, strict=True))
    wide, tall = [[_stretched(p, axis) for p in placements] for axis in (0, 1)]
    assert illegal_place(wide, 8, 8) is None
    assert illegal_place(tall, 8, 8) is None


def _stretched(placement: Placement, axis: int) -> Placement:
    """The same tiles, made as long as the array along `axis`."""
    tiles, places = placement.tiles.copy(), placement.places.copy()
    tiles[:, 2 + axis], places[:, 1 + axis] = 8, 0
    return Placement(tiles, places)
