"""Places that are legal and places that are not."""

import numpy as np
import pytest

from passes.analysis.places import Placement, distinct_places, illegal_place


def placed(sizes: list[tuple[int, int]], places: list[tuple[int, int, int]]) -> Placement:
    return Placement(np.array([(0, 0, *size) for size in sizes]), np.array(places))


def test_legal_places() -> None:
    first = placed([(2, 2), (2, 2), (4, 4)], [(0, 0, 0), (0, 2, 0), (1, 0, 0)])
    assert illegal_place([first, placed([(4, 2)], [(0, 0, 2)])], 4, 4) is None
    assert illegal_place([], 4, 4) is None


@pytest.mark.parametrize("place", [(0, 3, 0), (0, 0, 3), (0, -1, 0), (-1, 0, 0)])
def test_outside(place: tuple[int, int, int]) -> None:
    found = illegal_place([placed([(1, 1)], [(0, 0, 0)]), placed([(2, 2)], [place])], 4, 4)
    assert found == (1, f"a tile lies outside array {place[0]}")


def test_overlaps() -> None:
    """Of two weights, and of one."""
    first = placed([(2, 2)], [(3, 1, 1)])
    assert illegal_place([first, placed([(3, 2)], [(3, 1, 2)])], 4, 4) == (1, "tiles overlap in array 3")
    assert illegal_place([placed([(2, 2), (1, 1)], [(3, 1, 1), (3, 2, 2)])], 4, 4) == (0, "tiles overlap in array 3")


@pytest.mark.parametrize("count", [3, 16])
def test_overlaps_among_few_and_among_many(count: int) -> None:
    """1x1 tiles fill arrays of 16 x `count`; then a larger one is put on some of them."""
    places = [(0, row, column) for row in range(16) for column in range(count)]
    sizes = [(1, 1)] * len(places)
    assert illegal_place([placed(sizes, places)], 16, count) is None
    larger = placed([*sizes[:-1], (2, 1)], [*places[:-1], places[0]])
    assert illegal_place([larger], 16, count) == (0, "tiles overlap in array 0")


def test_only_tiles_that_may_share_lie_on_the_same_cells() -> None:
    twice = [placed([(2, 2), (2, 2)], [(0, 1, 1), (0, 1, 1)]), placed([(2, 2)], [(0, 1, 1)])]
    assert illegal_place(twice, 4, 4) is None
    assert illegal_place(twice, 4, 4, may_share=False) == (1, "tiles overlap in array 0")


def test_distinct_places() -> None:
    places = np.array([(0, 1, 0), (0, 0, 0), (0, 1, 0), (1, 1, 0), (0, 1, 0)])
    sizes = np.array([(2, 2), (2, 2), (2, 2), (2, 2), (2, 1)])
    assert distinct_places(places, sizes).tolist() == [0, 1, 3, 4]
    assert distinct_places(places[:0], sizes[:0]).tolist() == []
