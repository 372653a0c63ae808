"""Which tile is of which copy, and how many copies products have."""

import numpy as np

from cimc.program.arrays.copies import copies_of_tiles, copies_of_values
from cimc.program.metadata import Multiplication, Weight


def test_copies_end_where_a_tile_does_not_begin_after_the_one_before() -> None:
    """Weight 0 has two copies, the second in one piece; weight 1 has one, whose tiles come in any order."""
    places = [(0, 0, 0), (0, 0, 2), (1, 4, 0), (0, 2, 0), (1, 0, 0), (0, 0, 0)]
    tiles = np.array([[weight, 0, 0, 0, 1, 1, k, n] for weight, k, n in places], np.int32)
    weights = [Weight("a", 4, 4, copies=2), Weight("b", 8, 4)]
    assert copies_of_tiles(tiles, weights).tolist() == [0, 0, 0, 0, 0, 1]
    assert copies_of_tiles(tiles[:0], weights).tolist() == []


def test_products_have_the_copies_of_their_weights() -> None:
    weights = [Weight("a", 4, 4, copies=4), Weight("b", 4, 4)]
    made = [Multiplication(1, 0, 0), Multiplication(2, 1, 1), Multiplication(4, 0, 0)]
    assert copies_of_values(made, weights, 6).tolist() == [1, 4, 1, 1, 4, 1]
