"""What tiles cost an array: by their rows, planes, slices and bits."""

import numpy as np
import pytest
from numpy.typing import NDArray

from dialects.chip.costs import ArrayCosts
from passes.analysis.timing import ArrayTimes
from passes.place_tiles.analysis.spreading.work import PLAIN, Prices, Work, efforts, plain_prices, works_of_tiles

TIMES = ArrayTimes(10, 2, (1, 2, 3, 4))
COSTS = ArrayCosts(4, (1.0, 2.0, 3.0, 4.0), 0.5, 0.25, 0.125, 0.0625, None)


def test_efforts() -> None:
    """4 rows of at most 3 each come to 12: 4 bits; 8 rows would come to 24, so 5 of them are a group, then 3."""
    work = Work(planes=8, slices=4, input_bits=8, peak=3.0)
    effort = efforts(np.array([4, 8]), [PLAIN, work], np.array([1, 1]), Prices(TIMES, COSTS))
    assert effort.settle.tolist() == [8 * 10, 8 * 2 * 10]
    assert effort.step.tolist() == [8 * 4, 8 * (4 + 4)]
    assert effort.drive.tolist() == [4 * 0.5 * 32 + 4 * 8 / 16, 8 * 0.5 * 32 + 8 * 8 / 16]
    assert effort.column.tolist() == [(4 + 0.125 + 4 * 0.25) * 32, (2 * (4 + 0.125) + 8 * 0.25) * 32]
    assert effort.alone.tolist() == [False, True]


def test_sums_of_tiles_that_were_looked_at_are_whole_numbers() -> None:
    """49 * (4 / 49) may be less than 4, which needs 3 bits."""
    for rows, bound in ((49, 4), (25, 7), (7, 6), (11, 5)):
        prices = Prices(ArrayTimes(10, 1, (1, 2, 3)))
        effort = efforts(np.array([rows]), [Work(1, 1, 8, bound / rows)], np.array([0]), prices)
        assert (effort.step.tolist(), effort.alone.tolist()) == ([3], [False])


@pytest.mark.parametrize("prices", [plain_prices(8), Prices(TIMES)])
def test_without_costs_a_row_costs_one_and_a_column_two(prices: Prices) -> None:
    effort = efforts(np.array([4, 7]), [PLAIN], np.array([0, 0]), prices)
    assert effort.drive.tolist() == [4, 7]
    assert effort.column.tolist() == [2, 2]


def test_nothing() -> None:
    assert len(efforts(np.zeros(0, np.int64), [], np.zeros(0, np.int64), plain_prices(1)).settle) == 0


def test_small_tiles_have_peaks_of_their_own() -> None:
    """The bound of a tile is its first number here; of two large ones, only the larger is looked at."""
    tiles = np.array([(0, 0, 2, 2), (2, 0, 4, 2), (6, 0, 2, 2), (8, 0, 128, 64), (136, 0, 128, 128)])
    matrix = np.zeros((264, 128), np.int8)
    matrix[tiles[:, 0], 0] = [6, 8, 6, 100, 64]

    def tile_of(k: int, n: int, rows: int, columns: int) -> NDArray[np.int8]:
        return matrix[k : k + rows, n : n + columns]

    works, which = works_of_tiles(
        Work(8, 4, 8, 0.0),
        tiles,
        tile_of,
        lambda own: [int(tile[0, 0]) for tile in own],
    )
    assert [work.peak for work in works] == [0.5, 2.0, 3.0]
    assert which.tolist() == [2, 1, 2, 0, 0]
