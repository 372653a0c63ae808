"""Places that are legal and places that are not."""

import numpy as np
import pytest

from passes.analysis.places import Placement, illegal_place


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
    """1x1 tiles fill arrays of 16 x `count`; then one of them is put on another."""
    places = [(0, row, column) for row in range(16) for column in range(count)]
    sizes = [(1, 1)] * len(places)
    assert illegal_place([placed(sizes, places)], 16, count) is None
    assert illegal_place([placed(sizes, [*places[:-1], places[0]])], 16, count) == (0, "tiles overlap in array 0")
