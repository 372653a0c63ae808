"""All tiles in one table: vectors, works and parts keep apart what belongs to different weights."""

import numpy as np

from passes.place_tiles.analysis.placement import WeightTiles
from passes.place_tiles.analysis.spreading.numbering import classes_of_tiles, numbered
from passes.place_tiles.analysis.spreading.work import Work

TILES = np.array([(0, 0, 4, 4), (4, 0, 4, 4)])


def test_tiles_and_parts() -> None:
    works = (Work(8, 4, 8, 1.0), Work(8, 4, 8, 2.0))
    known = WeightTiles(TILES, True, 3, source=7, works=works, work_of=np.array([0, 1]))
    cut = WeightTiles(
        TILES, True, 4, works=works, work_of=np.array([1, 1]), parts=np.array([(1, 4, 0, 2, 4, 0), (1, 6, 0, 2, 4, 0)])
    )
    tiles, parts = numbered([known, WeightTiles(TILES, True), cut])
    assert tiles[:, :4].tolist() == [
        [0, 3, 7, 1],
        [0, 3, 7, 2],
        [1, 0, -2, 0],
        [1, 0, -2, 0],
        [2, 4, -3, 4],
        [2, 4, -3, 4],
    ]
    assert tiles[:, 4:].tolist() == 3 * TILES.tolist()
    assert parts.tolist() == [[5, 4, 0, 2, 4, 3], [5, 6, 0, 2, 4, 3]]


def test_of_nothing() -> None:
    tiles, parts = numbered([])
    assert (len(tiles), len(parts), len(classes_of_tiles([]))) == (0, 0, 0)


def test_tiles_of_which_nothing_is_known_are_like_no_other() -> None:
    known = WeightTiles(TILES, True, classes=np.array([3, 3]))
    assert classes_of_tiles([WeightTiles(TILES, True), known]).tolist() == [4, 5, 3, 3]
