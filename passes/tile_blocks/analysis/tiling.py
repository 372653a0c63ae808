"""Cuts matrices into tiles that fit an array."""

import numpy as np
import numpy.typing as npt

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
