"""Cuts matrices into tiles that fit an array, and sees which tiles were cut further."""

import numpy as np
import numpy.typing as npt

from passes.analysis.places import Placement, illegal_place

Table = npt.NDArray[np.int64]


def grid_tiles(rows: int, columns: int, array_rows: int, array_columns: int) -> Table:
    """Tiles (first row, first column, rows, columns) of a dense matrix on the grid of the array's size, row by row."""
    k, n = np.arange(0, rows, array_rows), np.arange(0, columns, array_columns)
    heights, widths = np.minimum(array_rows, rows - k), np.minimum(array_columns, columns - n)
    grid = np.stack(
        [
            np.repeat(k, len(n)),
            np.tile(n, len(k)),
            np.repeat(heights, len(n)),
            np.tile(widths, len(k)),
        ],
        axis=1,
    )
    return grid.astype(np.int64)


def block_tiles(rectangles: Table, array_rows: int, array_columns: int) -> Table:
    """Tiles of blocks (first row, first column, rows, columns), each cut on a grid of its own, block after block."""
    if (rectangles[:, 2] <= array_rows).all() and (rectangles[:, 3] <= array_columns).all():
        return rectangles
    parts: list[Table] = []
    for row, column, rows, columns in rectangles.tolist():
        parts.append(grid_tiles(rows, columns, array_rows, array_columns) + np.array([row, column, 0, 0]))
    return np.concatenate(parts)


def are_cut_from(pieces: Table, tiles: Table) -> bool:
    """Whether `pieces` are `tiles` of which some were cut: no cell is missing, and none is there twice.

    Tiles are those of a grid, or of blocks down a diagonal: what shares a row with a tile starts in the same row.
    """
    tiles = tiles[np.lexsort([tiles[:, 1], tiles[:, 0]])]
    first_rows, width = np.unique(tiles[:, 0]), 1 + max(int(table[:, 1].max(initial=0)) for table in (pieces, tiles))
    row = first_rows[np.searchsorted(first_rows, pieces[:, 0], "right") - 1]
    tile = np.searchsorted(tiles[:, 0] * width + tiles[:, 1], row * width + pieces[:, 1], "right") - 1
    inside = pieces[:, :2] - tiles[tile, :2]
    if (inside < 0).any() or (inside + pieces[:, 2:] > tiles[tile, 2:]).any():
        return False
    cells = np.bincount(tile, pieces[:, 2] * pieces[:, 3], minlength=len(tiles))
    rows, columns = tiles[:, 2:].max(axis=0).tolist()
    apart = illegal_place([Placement(pieces, np.column_stack([tile, inside]))], rows, columns) is None
    return apart and bool((cells == tiles[:, 2] * tiles[:, 3]).all())
