"""densemap: block diagonals of all weights fill arrays, those of a stage different ones; partners turn back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passes.analysis.places import illegal_place
from passes.analysis.tiling import block_tiles, grid_tiles
from passes.place_tiles.analysis.densemap import deal, place_densemap
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used


def blocks(count: int, rows: int, columns: int, second: bool = False, side: int = 256) -> WeightTiles:
    i = np.arange(count)
    rectangles = np.stack([i * rows, i * columns, 0 * i + rows, 0 * i + columns], axis=1)
    return WeightTiles(block_tiles(rectangles, side, side), dense=False, second=second)


def test_diagonals_of_both_factors() -> None:
    """Diagonal i: block j at row j, column j + i; the partner's at column j - i. Each factor has half of each array."""
    first, second = place_densemap([blocks(16, 64, 64), blocks(16, 64, 64, second=True)], 256, 256)
    for i in range(4):
        for j in range(4):
            assert first.places[4 * i + j, 1:].tolist() == [64 * j, 64 * ((j + i) % 4)]
            assert second.places[4 * i + j, 1:].tolist() == [64 * j, 64 * ((j - i) % 4)]
    for placement in (first, second):
        assert sorted(placement.places[::4, 0].tolist()) == [0, 0, 1, 1]


def test_few_diagonals_lie_between_rows_that_run_together() -> None:
    """4 diagonals where there is room for 8: 0, 2, 4, 6, so that of block rows 0 and 1, say, none meets the other."""
    for second in (False, True):
        (placement,) = place_densemap([blocks(32, 32, 32, second)], 256, 256)
        diagonals = placement.places[:, 1:].reshape(4, 8, 2) // 32
        rotation = (diagonals[:, 0, 1] - diagonals[:, 0, 0]) % 8
        assert sorted(rotation.tolist()) == [0, 2, 4, 6]
        assert ((diagonals[:, :, 1] - diagonals[:, :, 0]) % 8 == rotation[:, None]).all()


@pytest.mark.parametrize("g", [1, 2, 3, 8])
def test_rotations_cancel(g: int) -> None:
    """The rotation of a diagonal and that of its partner are together none; 0 and g/2 are their own partners."""
    side = 240 // g
    first, second = place_densemap([blocks(g * g, side, side), blocks(g * g, side, side, second=True)], 240, 240)
    rotation, back = ((p.places[::g, 2] - p.places[::g, 1]) // side % g for p in (first, second))
    assert ((rotation + back) % g == 0).all()
    assert [i for i in range(g) if rotation[i] == back[i]] == ([0, g // 2] if g % 2 == 0 else [0])


def test_diagonals_of_a_stage_lie_in_different_arrays() -> None:
    """Three weights of 4 diagonals in each of two stages, in 6 arrays: every array has two of each."""
    weights = [replace(blocks(32, 32, 32), stage=stage) for stage in (0, 0, 0, 1, 1, 1)]
    arrays = np.stack([placement.places[::8, 0] for placement in place_densemap(weights, 256, 256)])
    for stage in (arrays[:3], arrays[3:]):
        assert np.bincount(stage.reshape(-1)).tolist() == [2] * 6
    many = [replace(blocks(32, 32, 32), stage=stage) for stage in range(4)]
    for placement in place_densemap(many, 256, 256):
        assert sorted(placement.places[::8, 0].tolist()) == [0, 1, 2, 3]


@given(st.lists(st.lists(st.integers(0, 5), max_size=9, unique=True), max_size=9))
def test_no_rotation_twice_in_an_array(rotations: list[list[int]]) -> None:
    """And as many of a stage in each array as can be; every stage has each rotation once here."""
    stage = np.array([i for i, own in enumerate(rotations) for _ in own], np.int64)
    rotation = np.array([r for own in rotations for r in own], np.int64)
    arrays = max(1, len(rotations))
    dealt = deal(stage, rotation, arrays)
    assert len({*zip(dealt.tolist(), rotation.tolist())}) == len(dealt)
    assert ((dealt >= 0) & (dealt < arrays)).all()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 81), st.booleans())
def test_no_row_or_column_twice_on_a_diagonal(down: int, across: int, count: int, second: bool) -> None:
    (placement,) = place_densemap([blocks(count, 360 // down, 360 // across, second, 360)], 360, 360)
    long, short = max(360 // (360 // down), 360 // (360 // across)), min(360 // (360 // down), 360 // (360 // across))
    assert illegal_place([placement], 360, 360) is None
    assert arrays_used([placement]) == -(-count // (long * short))
    for first in range(0, count, short):
        diagonal = placement.places[first : first + short]
        assert len(set(diagonal[:, 0].tolist())) == 1
        assert all(len(set(axis)) == len(axis) for axis in diagonal[:, 1:].T.tolist())


@pytest.mark.parametrize(
    ("count", "rows", "columns", "arrays"),
    [(32, 32, 32, 1), (64, 64, 64, 4), (65, 32, 32, 2), (17, 63, 64, 2), (8, 16, 128, 1), (33, 16, 128, 2)],
)
def test_blocks_per_array(count: int, rows: int, columns: int, arrays: int) -> None:
    assert arrays_used(place_densemap([blocks(count, rows, columns)], 256, 256)) == arrays


def test_what_shares_arrays() -> None:
    """Blocks of one grid do; dense weights do not, and come first."""
    dense = WeightTiles(grid_tiles(300, 10, 256, 256), dense=True)
    placements = place_densemap([blocks(8, 32, 32), dense, blocks(8, 32, 32), blocks(1, 64, 32)], 256, 256)
    assert [sorted({*p.places[:, 0].tolist()}) for p in placements] == [[3], [0, 1], [4], [2]]
    assert arrays_used(place_densemap([blocks(16, 64, 64), blocks(16, 64, 64)], 256, 256)) == 2


@given(st.lists(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8)), min_size=1, max_size=30), max_size=4))
def test_any_shapes_are_placed_legally(shapes: list[list[tuple[int, int]]]) -> None:
    weights = [
        WeightTiles(np.array([(0, 0, rows, columns) for rows, columns in some]), dense=False, second=bool(i % 2))
        for i, some in enumerate(shapes)
    ]
    placements = place_densemap(weights, 8, 8)
    assert illegal_place(placements, 8, 8) is None
    assert arrays_used(placements) <= sum(len(some) for some in shapes)
