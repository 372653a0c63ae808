"""Counts of what a mapping is given and answers."""

import numpy as np

from passes.analysis.places import Placement
from passes.place_tiles.analysis.placement import arrays_used, cells_of_tiles, fewest_arrays


def placed(sizes: list[tuple[int, int]], places: list[tuple[int, int, int]]) -> Placement:
    return Placement(np.array([(0, 0, *size) for size in sizes]), np.array(places))


def test_counts() -> None:
    first = placed([(2, 3), (4, 4)], [(0, 0, 0), (2, 0, 0)])
    assert arrays_used([first]) == 3
    assert arrays_used([]) == 0
    assert cells_of_tiles([first.tiles]) == 22
    assert fewest_arrays([first.tiles], 4, 4) == 2
