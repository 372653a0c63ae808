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
    """Whether `pieces` are `tiles` of which some were cut: no cell is missing, and none is there twice."""
    inside = places_in(pieces, tiles)
    if inside is None or are_twice(pieces, inside, tiles):
        return False
    cells = np.bincount(inside[:, 0], pieces[:, 2] * pieces[:, 3], minlength=len(tiles))
    return bool((cells == tiles[:, 2] * tiles[:, 3]).all())


def places_in(pieces: Table, tiles: Table) -> Table | None:
    """In which of `tiles` each piece lies, and where: (number, row, column); None if one lies in none of them.

    Tiles lie in strips of rows, as those of a grid or of blocks down a diagonal do: those that share a row start in the
    same row. Or they lie in strips of columns.
    """
    if not _in_strips_of_rows(tiles):
        turned = tiles[:, [1, 0, 3, 2]]
        inside = places_in(pieces[:, [1, 0, 3, 2]], turned) if _in_strips_of_rows(turned) else None
        return None if inside is None else inside[:, [0, 2, 1]]
    order = np.lexsort([tiles[:, 1], tiles[:, 0]])
    ordered = tiles[order]
    first_rows, width = np.unique(tiles[:, 0]), 1 + max(int(table[:, 1].max(initial=0)) for table in (pieces, tiles))
    row = first_rows[np.searchsorted(first_rows, pieces[:, 0], "right") - 1]
    number = np.searchsorted(ordered[:, 0] * width + ordered[:, 1], row * width + pieces[:, 1], "right") - 1
    inside = pieces[:, :2] - ordered[number, :2]
    if (inside < 0).any() or (inside + pieces[:, 2:] > ordered[number, 2:]).any():
        return None
    return np.column_stack([order[number], inside])


def _in_strips_of_rows(tiles: Table) -> bool:
    order = np.argsort(tiles[:, 0], kind="stable")
    first, end = tiles[order, 0], np.maximum.accumulate(tiles[order, 0] + tiles[order, 2])
    return bool(((first[1:] == first[:-1]) | (first[1:] >= end[:-1])).all())


def are_twice(pieces: Table, inside: Table, tiles: Table) -> bool:
    """Whether a cell belongs to two pieces; `inside` is where they are in `tiles`."""
    rows, columns = tiles[:, 2:].max(axis=0).tolist()
    return illegal_place([Placement(pieces, inside)], rows, columns, may_share=False) is not None
