"""Weights of several formats: arrays of their own, and a fair part of the chip's crossbars."""

from collections.abc import Sequence

import numpy as np
import pytest

from dialects.chip.formats import Format
from passes.analysis.places import Placement
from passes.place_tiles.analysis.banks import Bank, banks_of, crossbars_used, place_banks
from passes.place_tiles.analysis.placement import WeightTiles


def weight(tiles: int, classes: Sequence[int] | None = None) -> WeightTiles:
    """A weight of so many tiles that fill an array of 4x4 each."""
    table = np.array([[0, 4 * i, 4, 4] for i in range(tiles)])
    return WeightTiles(table, dense=True, classes=None if classes is None else np.array(classes))


def test_the_most_bits_come_first() -> None:
    formats = [Format(4, "offset"), Format(8, "differential"), Format(4, "offset"), Format(8, "offset")]
    assert banks_of(formats, 2) == [Bank(4, (3,)), Bank(8, (1,)), Bank(2, (0, 2))]


class Recorder:
    """Gives each tile an array of its own, and keeps how many arrays there were for each bank."""

    def __init__(self) -> None:
        self.limits: list[int | None] = []

    def __call__(self, weights: Sequence[WeightTiles], arrays: int | None) -> list[Placement]:
        self.limits.append(arrays)
        first = np.cumsum([0, *(len(w.tiles) for w in weights)])
        return [
            Placement(w.tiles, np.array([[begin + i, 0, 0] for i in range(len(w.tiles))]))
            for begin, w in zip(first.tolist(), weights)
        ]


@pytest.mark.parametrize(
    ("crossbars", "limits"),
    [(None, [None, None]), (16, [2, 4]), (32, [4, 12]), (20, [2, 6]), (3, [2, 4])],
)
def test_banks_share_the_crossbars(crossbars: int | None, limits: list[int | None]) -> None:
    """Two arrays of 4 crossbars and four of 2 are needed; what the first leaves is the second's."""
    place, weights = Recorder(), [weight(3), weight(2), weight(1)]
    banks = [Bank(4, (1,)), Bank(2, (0, 2))]
    placements = place_banks(weights, banks, place, 16, crossbars)
    assert place.limits == limits
    assert [placement.places[:, 0].tolist() for placement in placements] == [[2, 3, 4], [0, 1], [5]]
    assert crossbars_used(placements, banks) == 2 * 4 + 4 * 2


def test_equal_tiles_need_room_once() -> None:
    place = Recorder()
    place_banks([weight(3, [0, 0, 1]), weight(1)], [Bank(2, (0, 1))], place, 16, 6)
    assert place.limits == [3]


def test_no_weights() -> None:
    assert place_banks([], [], Recorder(), 16, 8) == []
    assert crossbars_used([], []) == 0
