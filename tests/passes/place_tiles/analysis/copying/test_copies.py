"""Which weights are copied, and what it brings."""

from collections.abc import Sequence
from math import lcm

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.analysis.places import illegal_place
from passes.analysis.tiling import are_cut_from
from passes.analysis.timing import ArrayTimes
from passes.place_tiles.analysis.copying.copies import ANY_COPIES, FEW_COPIES, ONE_COPY, place_with_copies
from passes.place_tiles.analysis.copying.holds import Room, holds_of
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.spreading.work import Prices, Work

SIDE = 8
SIZES = st.lists(st.tuples(st.integers(1, SIDE), st.integers(1, SIDE), st.integers(1, 50)), min_size=1, max_size=4)


def weights_of(sizes: list[tuple[int, int, int]], vectors: int = 1) -> list[WeightTiles]:
    """Weights of one tile each, one after the other: rows, columns, and for how many planes."""
    none = np.zeros(1, np.int64)
    return [
        WeightTiles(
            np.array([[0, 0, rows, columns]]), True, stage,
            works=(Work(planes, 1, 8, 1.0),), work_of=none, vectors=vectors,
        )
        for stage, (rows, columns, planes) in enumerate(sizes)
    ]  # fmt: skip


def room(arrays: int) -> Room:
    return Room(arrays, SIDE, SIDE, 2, Prices(ArrayTimes(2, 2, (10,) * 8)))


def interval(weights: list[WeightTiles], arrays: int, counts: Sequence[int]) -> float:
    return holds_of(weights, place_with_copies(weights, room(arrays), counts), room(arrays)).interval


@settings(max_examples=15)
@given(SIZES, st.integers(5, 12), st.sampled_from([1, 6]))
def test_copies_are_legal_and_shorten_the_interval(
    sizes: list[tuple[int, int, int]], arrays: int, vectors: int
) -> None:
    weights = weights_of(sizes, vectors)
    after = place_with_copies(weights, room(arrays), FEW_COPIES)
    assert holds_of(weights, after, room(arrays)).interval <= interval(weights, arrays, ONE_COPY) * 1.05
    assert arrays_used(after) <= arrays
    assert illegal_place(after, SIDE, SIDE, may_share=False) is None
    for weight, own in zip(weights, after):
        copies = np.array_split(np.arange(len(own.tiles)), own.copies)
        held = [set(own.places[members, 0].tolist()) for members in copies]
        assert all(are_cut_from(own.tiles[members], weight.tiles) for members in copies)
        assert sum(map(len, held)) == len(set[int]().union(*held))
        assert own.copies in FEW_COPIES
    assert vectors > 1 or len({own.copies for own in after}) == 1


def test_the_busiest_is_copied() -> None:
    """The first takes ten times as long as the others. If a run has one vector, the others are copied with it; if it
    has several, they need not be."""
    sizes = [(SIDE, SIDE, 100), (SIDE, SIDE, 10), (SIDE, SIDE, 10)]
    (copies,) = {own.copies for own in place_with_copies(weights_of(sizes), room(12), ANY_COPIES)}
    assert copies > 1
    first, *others = [own.copies for own in place_with_copies(weights_of(sizes, 60), room(12), ANY_COPIES)]
    assert first > max(others)


@pytest.mark.parametrize(
    ("vectors", "arrays"), [(1, 5), (1, 6), (1, 12), (1, 16), (60, 5), (60, 7), (60, 8), (60, 9), (60, 12), (60, 16)]
)
def test_within_five_per_cent(vectors: int, arrays: int) -> None:
    """Weights that fill four or five arrays come to what all have to do over arrays."""
    random = np.random.default_rng(arrays)
    sizes = [(int(r), SIDE, int(t)) for r, t in zip(random.integers(1, 4, 18), random.integers(20, 60, 18))]
    weights = weights_of(sizes, vectors)
    least = holds_of(weights, place_with_copies(weights, room(100), ONE_COPY), room(100)).work
    assert interval(weights, arrays, ANY_COPIES) <= 1.05 * least / arrays


def test_nothing_is_copied_without_spare_arrays() -> None:
    full = weights_of([(SIDE, SIDE, 10), (SIDE, SIDE, 50)])
    for arrays in (1, 2, 3):
        placed = place_with_copies(full, room(arrays), ANY_COPIES)
        assert [own.copies for own in placed] == [1, 1]
        assert arrays_used(placed) == max(2, arrays)
    assert arrays_used(place_with_copies(full, room(1), ANY_COPIES)) == 2


def test_copies_of_any_numbers_that_stand_together_have_their_turns_again() -> None:
    """After as many vectors as a program can have."""
    assert lcm(*FEW_COPIES) == 240 <= max(ANY_COPIES)
