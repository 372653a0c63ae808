"""How many crossbars weights take, tiles with equal cells being stored once in each format."""

import numpy as np

from passes.choose_formats.analysis.crossbars import Room

FOUR = np.array([[0, 0, 4, 4], [0, 4, 4, 4]])
ROOM = Room.of([FOUR, FOUR[:1], np.array([[0, 0, 2, 3]])], [np.array([0, 1]), np.array([1]), np.array([2])], 16)
"""A tile of its own and one that is the second weight's too, and a small one."""


def test_cells_of_equal_tiles_count_once_in_each_format() -> None:
    assert ROOM.cells(np.array([0, 0, 0]), 1).tolist() == [16 + 16 + 6]
    assert ROOM.cells(np.array([0, 1, 1]), 3).tolist() == [32, 22, 0]


def test_arrays_of_a_format_are_whole_ones() -> None:
    assert ROOM.crossbars(np.array([0, 0, 0]), [4]) == 3 * 4
    assert ROOM.crossbars(np.array([0, 1, 1]), [4, 2]) == 2 * 4 + 2 * 2


def test_equal_tiles_of_one_weight_are_its_own() -> None:
    room = Room.of([FOUR], [np.array([7, 7])], 16)
    assert room.own.tolist() == [16]
    assert room.shared.tolist() == []


def test_a_part() -> None:
    part = ROOM.part([2, 1])
    assert part.cells(np.array([0, 1]), 2).tolist() == [6, 16]


def test_no_weights() -> None:
    assert Room.of([], [], 16).crossbars(np.zeros(0, np.int64), [4]) == 0
