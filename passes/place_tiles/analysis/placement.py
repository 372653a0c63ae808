"""What a mapping is given, tiles of each weight, and what counts of its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from passes.analysis.places import Placement, Table
from passes.place_tiles.analysis.spreading.work import Work


@dataclass(frozen=True)
class WeightTiles:
    """A weight to be placed: tiles int64 [tile, (weight_row, weight_column, rows, columns)], each fitting an array.

    Weights of one `stage` run at the same time. `dense` tells that the tiles are the grid of a weight without
    structure, `second` that they are the blocks of the second factor of a Monarch pair. Tiles of all weights that have
    the same number in `classes` hold equal cells (None: no two of this weight are known to).

    Weights of one `source` multiply the same vector (None: one of its own), and `works` is what that asks of
    their tiles, `work_of` which of these it asks of each (None: not known). They take `vectors` of a run at most.
    `parts` is what tiles are to be cut into before they are placed (a table PART, in which works are numbered among
    `works`; None: nothing).
    """

    tiles: Table
    dense: bool
    stage: int = 0
    second: bool = False
    classes: Table | None = None
    source: int | None = None
    works: tuple[Work, ...] = ()
    work_of: Table | None = None
    parts: Table | None = None
    vectors: int = 1


def arrays_used(placements: Sequence[Placement]) -> int:
    """How many arrays hold something, arrays being numbered without gaps."""
    return 1 + max((int(p.places[:, 0].max(initial=-1)) for p in placements), default=-1)


def cells_of_tiles(tables: Sequence[Table]) -> int:
    """How many weights the tiles hold."""
    return int(sum(np.prod(table[:, 2:], axis=1).sum() for table in tables))


def fewest_arrays(tables: Sequence[Table], array_rows: int, array_columns: int) -> int:
    """`ceil(weights / (rows * columns))`: no mapping uses fewer arrays."""
    return -(-cells_of_tiles(tables) // (array_rows * array_columns))
