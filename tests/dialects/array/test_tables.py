"""Tables of the array language: equal if their rows are, and told from those of `cim`."""

import numpy as np

from dialects.array.tables import ADDITION, GROUP, PLACE, TILE, WORK, TableAttr, copy_of_tiles


def test_equal_rows_are_equal_tables() -> None:
    rows = np.array([[0, 0, 4, 4]])
    assert TableAttr.of(rows) == TableAttr.of(rows.astype(np.int32)) != TableAttr.of(rows + 1)
    assert str(TableAttr.of(rows)) == "#array.table<[[0, 0, 4, 4]]>"


def test_columns_have_names_of_their_own() -> None:
    for columns in (TILE, PLACE, GROUP, ADDITION, WORK):
        assert len(set(columns)) == len(columns)


def test_copies_stand_one_after_the_other() -> None:
    cut, whole = [[0, 0, 4, 2], [0, 2, 4, 2], [4, 0, 4, 4]], [[0, 0, 8, 4]]
    for copies, expected in (
        ([cut], [0, 0, 0]),
        ([cut, whole, whole, cut], [0, 0, 0, 1, 2, 3, 3, 3]),
        ([], []),
    ):
        tiles = np.array([tile for copy in copies for tile in copy], np.int64).reshape(-1, 4)
        assert copy_of_tiles(tiles).tolist() == expected
