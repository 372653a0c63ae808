"""Groups of rows as blocks of their own: how a weight is cut so that each group's product comes out by itself.

The columns of what is cut are those of the first groups, then those of the second ones, and so on: their products, each
times its scale, add up to the columns of the weight.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from passes.quantize.analysis.choices import Resolution

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.int64]


def cut_blocks(values: Array, size: int) -> Array:
    """A matrix [in, out] or blocks [blocks, rows, columns] cut every `size` rows: [blocks * groups, size, columns].

    `groups` successive ones are the rows of a block, filled up with zeros.
    """
    blocks = values if values.ndim == 3 else values[None]
    count, rows, columns = blocks.shape
    missing = -rows % size
    if missing:
        blocks = np.concatenate([blocks, np.zeros((count, missing, columns), blocks.dtype)], axis=1)
    return blocks.reshape(-1, size, columns)


def filled_rows(blocks: int, rows: int, size: int) -> Numbers | None:
    """Which row of the weight each row of `cut_blocks` is; one that is filled up may take any. None for the same."""
    if rows % size == 0:
        return None
    taken = np.minimum(np.arange(rows + -rows % size), rows - 1)
    return (np.arange(blocks)[:, None] * rows + taken).reshape(-1)


def block_columns(blocks: int, groups: int, columns: int, order: Numbers | None) -> Numbers | None:
    """Which column each one of `cut_blocks` is, one block after the other; None for the same.

    In the matrix, the columns of the first group of every block come first. `order` is that of the weight's columns.
    """
    if blocks == 1 and order is None:
        return None
    of_weight = (np.arange(blocks * columns) if order is None else order).reshape(blocks, 1, columns)
    return (of_weight + np.arange(groups)[:, None] * (blocks * columns)).reshape(-1)


def cut_rectangles(rectangles: Numbers, how: Resolution, columns: int) -> tuple[Numbers, int]:
    """Rectangles (first row, first column, rows, columns) cut into groups of rows, and how many groups that makes.

    A matrix of `columns` columns becomes one of `groups * columns`: each part of a rectangle lies in columns where no
    other does. Blocks that lay in strips do so then.
    """
    taken = np.zeros(columns, np.int64)
    parts: list[list[int]] = []
    for row, column, rows, width in sorted(rectangles.tolist()):
        here, size = slice(column, column + width), how.rows_of(rows)
        for first in range(0, rows, size):
            group = int(taken[here].max())
            taken[here] = group + 1
            parts.append([row + first, group * columns + column, min(size, rows - first), width])
    return np.array(parts, np.int64).reshape(-1, 4), int(taken.max(initial=1))


def spread(matrix: Array, parts: Numbers, groups: int) -> Array:
    """A matrix [in, out] as one [in, groups * out]: its `parts`, as `cut_rectangles` makes them, and zero elsewhere."""
    columns = matrix.shape[1]
    wide = np.zeros((matrix.shape[0], groups * columns), matrix.dtype)
    for row, column, rows, width in parts.tolist():
        first = column % columns
        wide[row : row + rows, column : column + width] = matrix[row : row + rows, first : first + width]
    return wide
