"""Which weights are copied, and what it brings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.analysis.places import Placement, illegal_place
from passes.analysis.tiling import are_cut_from
from passes.place_tiles.analysis.copying.copies import has_spare_arrays, interval_of, with_copies
from passes.place_tiles.analysis.copying.plans import Room
from passes.place_tiles.analysis.placement import WeightTiles, arrays_used
from passes.place_tiles.analysis.spreading.spread import Goal, place_spread

SIDE = 8
SIZES = st.lists(st.tuples(st.integers(1, SIDE), st.integers(1, SIDE), st.integers(1, 50)), min_size=1, max_size=4)


def weights_of(sizes: list[tuple[int, int, int]]) -> list[WeightTiles]:
    """Weights of one tile each: rows, columns, and how long a conversion takes."""
    return [
        WeightTiles(np.array([[0, 0, rows, columns]]), True, stage, times=np.array([[10, time]]))
        for stage, (rows, columns, time) in enumerate(sizes)
    ]


def placed(weights: list[WeightTiles], arrays: int) -> list[Placement]:
    return place_spread(weights, SIDE, SIDE, Goal("throughput", arrays, 2))


@settings(max_examples=15)
@given(SIZES, st.integers(5, 12))
def test_copies_are_legal_and_shorten_the_interval(sizes: list[tuple[int, int, int]], arrays: int) -> None:
    weights = weights_of(sizes)
    before, room = placed(weights, arrays), Room(arrays, SIDE, SIDE, 2)
    after = with_copies(weights, before, room)
    assert interval_of(weights, after, 2) <= interval_of(weights, before, 2)
    assert interval_of(weights, after, 2) <= interval_of(weights, with_copies(weights, before, room, 1), 2) * 1.001
    assert arrays_used(after) <= arrays
    assert illegal_place(after, SIDE, SIDE, may_share=False) is None
    for weight, own in zip(weights, after):
        copies = np.array_split(np.arange(len(own.tiles)), own.copies)
        held = [set(own.places[members, 0].tolist()) for members in copies]
        assert all(are_cut_from(own.tiles[members], weight.tiles) for members in copies)
        assert sum(map(len, held)) == len(set[int]().union(*held))


def test_the_busiest_is_copied() -> None:
    """The first takes ten times as long as the others: it gets the arrays that would have nothing to do."""
    weights = weights_of([(SIDE, SIDE, 100), (SIDE, SIDE, 10), (SIDE, SIDE, 10)])
    after = with_copies(weights, placed(weights, 10), Room(10, SIDE, SIDE, 2))
    assert [own.copies for own in after] == [8, 1, 1]
    assert interval_of(weights, after, 2) == pytest.approx(410 / 8)


@pytest.mark.parametrize("arrays", [16, 24, 32])
def test_within_five_per_cent(arrays: int) -> None:
    """Many weights come to what all have to do over arrays, without a cut."""
    random = np.random.default_rng(arrays)
    weights = weights_of(
        [(int(r), SIDE, int(t)) for r, t in zip(random.integers(1, 4, 24), random.integers(20, 60, 24))]
    )
    after = with_copies(weights, placed(weights, arrays), Room(arrays, SIDE, SIDE, 2))
    loads = sum(10 + 4 * int(weight.times[0, 1]) for weight in weights if weight.times is not None)
    assert interval_of(weights, after, 2) <= 1.05 * loads / arrays


def test_nothing_is_copied_without_spare_arrays_or_times() -> None:
    full, room = weights_of([(SIDE, SIDE, 10), (SIDE, SIDE, 50)]), Room(2, SIDE, SIDE, 2)
    assert not has_spare_arrays(full, room)
    before = placed(full, 2)
    assert with_copies(full, before, room) == before
    untimed = [WeightTiles(full[0].tiles, True)]
    alone = placed(untimed, 4)
    assert with_copies(untimed, alone, Room(4, SIDE, SIDE, 2)) == alone
