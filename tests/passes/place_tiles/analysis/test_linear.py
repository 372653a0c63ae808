"""The linear mapping: tiles of dense weights have an array each, blocks follow each other down the diagonal."""

import numpy as np
import pytest

from passes.analysis.tiling import grid_tiles
from passes.place_tiles.analysis.linear import place_linear


def test_dense_weights():
    tiles = [grid_tiles(8, 4, 4, 4), grid_tiles(4, 4, 4, 4)]
    places = place_linear(tiles, [True, True], 4, 4)
    assert [p.tolist() for p in places] == [[[0, 0, 0], [1, 0, 0]], [[2, 0, 0]]]


def test_blocks_share_arrays_with_those_of_their_weight_only():
    blocks = np.array([[0, 0, 2, 1], [2, 1, 2, 1], [4, 2, 2, 1]])
    places = place_linear([blocks, blocks[:1]], [False, False], 4, 4)
    assert [p.tolist() for p in places] == [[[0, 0, 0], [0, 2, 1], [1, 0, 0]], [[2, 0, 0]]]


@pytest.mark.parametrize(("size", "array", "arrays"), [(1024, 256, 16), (1000, 256, 16), (256, 256, 1), (257, 256, 4)])
def test_as_many_arrays_as_the_paper_says(size: int, array: int, arrays: int):
    (places,) = place_linear([grid_tiles(size, size, array, array)], [True], array, array)
    assert len(np.unique(places[:, 0])) == arrays


def test_nothing_to_place():
    assert place_linear([], [], 4, 4) == []
