"""Tables of the array language: equal if their rows are, and told from those of `cim`."""

import numpy as np

from dialects.array.tables import ADDITION, GROUP, PLACE, TILE, WORK, TableAttr


def test_equal_rows_are_equal_tables() -> None:
    rows = np.array([[0, 0, 4, 4]])
    assert TableAttr.of(rows) == TableAttr.of(rows.astype(np.int32)) != TableAttr.of(rows + 1)
    assert str(TableAttr.of(rows)) == "#array.table<[[0, 0, 4, 4]]>"


def test_columns_have_names_of_their_own() -> None:
    for columns in (TILE, PLACE, GROUP, ADDITION, WORK):
        assert len(set(columns)) == len(columns)
