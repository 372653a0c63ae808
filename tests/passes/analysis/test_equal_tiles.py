"""Which tiles have equal cells."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from passes.analysis.equal_tiles import TileOf, classes_of, worth_sharing

ONE, TWO = np.eye(4, dtype=np.int8), np.arange(16, dtype=np.int8).reshape(4, 4)
SAME_FIRST_ROW = np.concatenate([ONE[:1], TWO[1:]])


def classes(*weights: Sequence[npt.NDArray[np.generic]]) -> list[list[int]]:
    read: list[int] = []

    def weight(number: int) -> TileOf:
        read.append(number)
        return lambda tile: weights[number][tile]

    looked_at = [np.full(len(tiles), True) for tiles in weights]
    found = [table.tolist() for table in classes_of([len(tiles) for tiles in weights], weight, looked_at)]
    assert len(read) == len(weights) or found != [[0], [1]]
    return found


def test_tiles_with_equal_cells_are_a_class() -> None:
    assert classes([ONE, TWO, ONE.copy()], [TWO, SAME_FIRST_ROW]) == [[0, 1, 0], [1, 2]]
    assert classes([ONE[:2, :2], ONE[:2]], [ONE[:2, :2].astype(np.uint8)]) == [[0, 1], [2]]
    assert classes([], [ONE]) == [[], [0]]


def test_cells_of_tiles_that_begin_unlike_all_others_are_not_read_again() -> None:
    assert classes([ONE], [TWO]) == [[0], [1]]


def test_tiles_that_are_not_looked_at_are_alone() -> None:
    looked_at = [np.array([True, False, True]), np.array([False])]
    found = classes_of([3, 1], lambda _: lambda _: ONE, looked_at)
    assert [table.tolist() for table in found] == [[0, 1, 0], [2]]


def test_small_tiles_are_equal_by_chance() -> None:
    tiles = np.array([(0, 0, *size) for size in [(4, 4), (2, 8), (1, 64), (64, 1), (3, 5), (256, 256)]])
    assert worth_sharing(tiles).tolist() == [True, True, False, False, False, True]
