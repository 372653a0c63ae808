"""The densemap mapping of arXiv 2510.11192: the block diagonals of one factor fill an array."""

from collections.abc import Sequence

import numpy as np

from passes.analysis.places import Placement, Table
from passes.place_tiles.analysis.placement import WeightTiles


def place_densemap(weights: Sequence[WeightTiles], array_rows: int, array_columns: int) -> list[Placement]:
    """Blocks of one weight fill arrays as block diagonals; no two weights share an array.

    An array of `m x m` holds `g` diagonals of `g = m // b` blocks: diagonal i has its block j at block row j and block
    column `(j + i) mod g`, so it delivers its outputs rotated by i blocks. The second factor of a Monarch pair uses
    diagonal `-i mod g` where the first uses i (0 and g/2 are their own inverses): its rotation takes the first one's
    back. Our machine addresses the inputs and outputs of each tile, so a rotation that no partner takes back
    costs no instruction either; the pairing is kept because hardware with fixed wiring needs it.

    Blocks that are no squares: an array has `rows // height` by `columns // width` places, and as many diagonals as
    the longer side of this grid; none has two blocks in a row or column. Blocks of different shapes share an array if
    they have the same grid. Dense weights have one tile an array.
    """
    placements: list[Placement] = []
    used = 0
    for weight in weights:
        if weight.dense:
            places = np.zeros((len(weight.tiles), 3), np.int64)
            places[:, 0] = np.arange(len(weight.tiles))
        else:
            places = _structured(weight, array_rows, array_columns)
        places[:, 0] += used
        used = 1 + int(places[:, 0].max(initial=used - 1))
        placements.append(Placement(weight.tiles, places))
    return placements


def _structured(weight: WeightTiles, array_rows: int, array_columns: int) -> Table:
    """The places of a weight's blocks, from array 0 on; each grid has arrays of its own."""
    grids = np.array([array_rows, array_columns]) // weight.tiles[:, 2:]
    shapes, shape = np.unique(grids, axis=0, return_inverse=True)
    places = np.zeros((len(weight.tiles), 3), np.int64)
    used = 0
    for number, (down, across) in enumerate(shapes.tolist()):
        members = np.flatnonzero(shape.reshape(-1) == number)
        cells = diagonal_cells(down, across, weight.second)
        array, cell = np.divmod(np.arange(len(members)), down * across)
        places[members, 0] = used + array
        places[members, 1:] = cells[cell] * np.array([array_rows // down, array_columns // across])
        used += 1 + int(array.max(initial=-1))
    return places


def diagonal_cells(down: int, across: int, second: bool) -> Table:
    """All cells (block row, block column) of a grid, diagonal after diagonal: 0, 1, 2, ..., or 0, -1, -2, ...."""
    long, short = max(down, across), min(down, across)
    diagonal, block = np.divmod(np.arange(long * short), short)
    turned = (block + (-diagonal if second else diagonal)) % long
    return np.stack([block, turned] if across >= down else [turned, block], axis=1).astype(np.int64)
