"""A stage: its products in arrays, then their partial sums on the digital units."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.stages.resources import Resources
from passes.analysis.stages.stage import schedule_stage
from passes.analysis.timing import ArrayTimes

RESOURCES = Resources(ArrayTimes(10, 1, (1, 2, 3, 4)), digital_units=1, add_ps=20, vector_width=4)


def product(
    tiles: list[list[int]], places: list[list[int]], groups: list[list[int]], source: int = 0, planes: int = 1
) -> Product:
    """`groups` are (tile, first row, rows, bits)."""
    table = np.array([[tile, first, rows, bits, 0, 0] for tile, first, rows, bits in groups], np.int64)
    return Product(np.array(tiles, np.int64), np.array(places, np.int64), table, source, planes)


def occupancy(*products: Product) -> Occupancy:
    tiles = [np.concatenate([one.places, one.tiles[:, 2:]], axis=1) for one in products]
    return Occupancy(np.concatenate([np.zeros((0, 5), np.int64), *tiles]))


def test_row_groups_wait_and_then_sums_are_added():
    """Tile 0: 10 + 2 ps. Tile 1: groups of 10 + 4 and 10 + 6 ps, one after the other. Then 20 ps for the addition."""
    one = product([[0, 0, 4, 2], [4, 0, 2, 2]], [[2, 0, 0], [3, 1, 2]], [[0, 0, 4, 1], [1, 0, 1, 2], [1, 1, 1, 3]])
    found = schedule_stage([one], occupancy(one), RESOURCES)
    assert [starts.tolist() for starts in found.starts] == [[0, 0, 14]]
    assert [adds.tolist() for adds in found.adds] == [[[0, 2, 0, 30]]]
    assert found.duration == 50


def test_products_of_one_weight_take_turns():
    """The same cells with two inputs: two activations, each of 10 + 2 * 4 ps."""
    first, second = (product([[0, 0, 2, 2]], [[0, 0, 0]], [[0, 0, 2, 4]], source=source) for source in (0, 1))
    found = schedule_stage([first, second], occupancy(first), RESOURCES)
    assert [starts.tolist() for starts in found.starts] == [[0], [18]]
    assert [len(adds) for adds in found.adds] == [0, 0]
    assert found.duration == 36


@given(st.integers(1, 5), st.integers(1, 3))
def test_a_column_of_tiles_in_arrays_of_their_own(tiles: int, units: int):
    """All convert at once; then a tree of additions, on as many units as there are."""
    one = product(
        [[2 * i, 0, 2, 1] for i in range(tiles)],
        [[i, 0, 0] for i in range(tiles)],
        [[i, 0, 2, 1] for i in range(tiles)],
    )
    found = schedule_stage([one], occupancy(one), Resources(RESOURCES.times, units, 20, 4))
    left, rounds = tiles, 0
    while left > 1:
        left -= min(units, left // 2)
        rounds += 1
    assert found.duration == 11 + 20 * rounds
    assert len(found.adds[0]) == tiles - 1


def test_copies_have_partial_sums_of_their_own():
    """Two tiles of two rows each for either copy: one addition for each, and none between them."""
    tiles, places = [[0, 0, 2, 4], [2, 0, 2, 4]], [[0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]]
    groups = [[tile, 0, 2, 1] for tile in range(4)]
    copied = replace(product(tiles * 2, places, groups), copy=np.array([0, 0, 1, 1]))
    assert copied.jobs()[:, -1].tolist() == [1, 1, 2, 2]
    (adds,) = schedule_stage([copied], occupancy(copied), RESOURCES).adds
    assert sorted(copied.additions(adds)[:, [0, 1, 4]].tolist()) == [[0, 4, 0], [0, 4, 1]]
