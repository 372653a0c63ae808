"""Tables of what lies or runs where and when, and what their columns are."""

import numpy as np
from xdsl.irdl import irdl_attr_definition

from dialects.attributes.tables import Table, TableData

TILE = ("weight_row", "weight_column", "rows", "columns")
"""Columns of `tiles`: the rectangle of the weight that the tile holds."""
PLACE = ("array", "row", "column")
"""Columns of `places`: where the tile's first row and column lie."""
GROUP = ("tile", "first_row", "rows", "adc_bits", "adc_shift", "bound", "start_ps")
"""Columns of `groups`: rows [first_row, first_row + rows) of a tile are activated together and converted to `adc_bits`
bits without the `adc_shift` lowest; no sum of theirs exceeds `bound`; `start_ps` counts from the stage's start."""
ADDITION = ("first_column", "columns", "unit", "start_ps", "copy")
"""Columns of `adds`: a digital unit adds two partial sums of columns [first_column, first_column + columns), those of
one copy of the weight."""
WORK = ("operator", "unit", "start_ps", "duration_ps")
"""Columns of `work`: a unit works on the kernel's `cim.digital` of that number; digital units are numbered from 0,
attention units follow; `start_ps` counts from the kernel's start."""


@irdl_attr_definition
class TableAttr(TableData):
    """A table of what lies or runs where and when: a row for each tile, place, row group, addition or piece of work."""

    name = "array.table"


def copy_of_tiles(tiles: Table) -> Table:
    """The number of the copy of its weight that each tile (`TILE`) is of.

    Copies stand one after the other, the tiles of each by their first row, then by their first column: so a copy ends
    where a tile does not begin after the one before it.
    """
    row, column = tiles[:, 0], tiles[:, 1]
    begins = (row[1:] < row[:-1]) | ((row[1:] == row[:-1]) & (column[1:] <= column[:-1]))
    return np.concatenate([[0], np.cumsum(begins)])[: len(tiles)].astype(np.int64)
