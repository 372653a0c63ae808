"""Tiles to be placed: drives, and cuts."""

from dataclasses import replace

import numpy as np

from passes.place_tiles.analysis.spreading.strips import plan_strips
from passes.place_tiles.analysis.spreading.tiles import (
    COLUMNS,
    ROWS,
    K,
    N,
    cut_rows,
    drives_of,
    placed_tiles,
    split_columns,
)
from passes.place_tiles.analysis.spreading.work import PLAIN, Work, efforts, plain_prices


def test_tiles_that_read_the_same_rows_of_a_vector_are_one_drive() -> None:
    """Two weights multiply vector 5; of the third it is not known."""
    tiles = np.array(
        [
            (0, 0, 5, 0, 0, 0, 4, 3),
            (0, 0, 5, 0, 4, 0, 4, 3),
            (1, 0, 5, 1, 0, 0, 4, 2),
            (2, 0, -3, 2, 0, 0, 4, 1),
            (3, 1, 5, 3, 0, 0, 4, 1),
        ]
    )
    drives = drives_of(tiles, efforts(tiles[:, ROWS], [PLAIN] * 4, tiles[:, 3], plain_prices(1)))
    assert [drive.columns for drive in drives.drives] == [1, 5, 3, 1]
    assert drives.of_stage == {0: (0, 3), 1: (3, 4)}
    assert drives.starts == [0, 1, 6, 9, 10]
    assert drives.tiles[:, 0].tolist() == [2, 0, 1, 0, 3]


def test_tiles_of_several_row_groups_are_driven_alone() -> None:
    tiles = np.array([(0, 0, 5, 0, 0, 0, 4, 3), (1, 0, 5, 0, 0, 0, 4, 2)])
    effort = efforts(tiles[:, ROWS], [Work(1, 1, 8, 1.0)], tiles[:, 3], plain_prices(1))
    assert [drive.columns for drive in drives_of(tiles, effort).drives] == [3, 2]


def test_what_takes_longest_is_first_in_a_drive() -> None:
    """Of 3 and 2 columns the second take longer; of 4 more nothing does."""
    tiles = np.array([(0, 0, 5, 0, 0, 0, 4, 3), (1, 0, 5, 1, 0, 0, 4, 2), (2, 1, 5, 0, 0, 0, 4, 4)])
    effort = efforts(tiles[:, ROWS], [PLAIN, PLAIN], tiles[:, 3], plain_prices(1))
    effort = replace(effort, step=np.array([3, 5, 3]))
    drives = drives_of(tiles, effort, by_step=True)
    assert drives.tiles[:, 0].tolist() == [1, 0, 2]
    assert [(drive.step, drive.later) for drive in drives.drives] == [(5, ((2, 3),)), (3, ())]
    assert drives.steps_from(np.array([0, 0, 1]), np.array([1, 2, 5])).tolist() == [5, 3, 3]
    assert drives_of(tiles, effort).tiles[:, 0].tolist() == [0, 1, 2]


def test_rows_are_cut_as_planned() -> None:
    """Of 12 columns of 5 rows in 8, the 3 rows above 6 of them are for the first rows of others."""
    tiles = np.array([(i, 0, i, i, 0, 0, 5, 4) for i in range(3)])
    plan = plan_strips({5: 12}, {}, 8, 0)
    cut = cut_rows(tiles, plan)
    demand: dict[int, int] = {}
    for slot in plan.slots:
        demand[slot.piece] = demand.get(slot.piece, 0) + slot.columns
    assert {h: int(cut[cut[:, ROWS] == h, COLUMNS].sum()) for h in set(cut[:, ROWS].tolist())} == demand
    assert np.prod(cut[:, [ROWS, COLUMNS]], axis=1).sum() == 60
    assert (cut[:, K] + cut[:, ROWS] <= 5).all()


def test_columns_are_split() -> None:
    tiles = np.array([(0, 0, 0, 0, 0, 0, 2, 3), (1, 0, 1, 1, 0, 5, 2, 4)])
    assert split_columns(tiles, np.array([2, 3, 5])).tolist() == [
        [0, 0, 0, 0, 0, 0, 2, 2],
        [0, 0, 0, 0, 0, 2, 2, 1],
        [1, 0, 1, 1, 0, 5, 2, 2],
        [1, 0, 1, 1, 0, 7, 2, 2],
    ]


def test_places_of_columns_are_those_of_tiles() -> None:
    tiles = np.array([(0, 0, 0, 0, 0, 0, 2, 3), (1, 0, 1, 1, 0, 5, 2, 4)])
    placed = placed_tiles(tiles, [(5, 2, 1, 4, 0), (0, 5, 0, 2, 1)])
    assert placed[:, [0, N, COLUMNS, 8, 9, 10]].tolist() == [
        [0, 0, 3, 0, 2, 1],
        [1, 5, 2, 0, 2, 4],
        [1, 7, 2, 1, 4, 0],
    ]
