"""Columns of a weight that have one scale, so that blocks that are equal in floats are equal in integers."""

from collections.abc import Hashable

import numpy as np
import numpy.typing as npt

from passes.analysis.blocks import identity
from passes.quantize.analysis.quantization import Array

Numbers = npt.NDArray[np.int64]


def tied_columns(matrix: Array, rectangles: Numbers) -> Numbers:
    """For each column of a matrix [in, out] the number of its group: columns in the same place of equal blocks.

    `rectangles` are int64 [blocks, (first row, first column, rows, columns)]. A group's number is its first column.
    """
    group = np.arange(int(matrix.shape[1]), dtype=np.int64)
    first_columns: dict[Hashable, int] = {}
    places: list[list[int]] = rectangles.tolist()
    for row, column, rows, columns in places:
        block = matrix[row : row + rows, column : column + columns]
        first = first_columns.setdefault(identity(block), column)
        if first != column:
            _tie(group, np.arange(first, first + columns), np.arange(column, column + columns))
    return _roots(group, np.arange(len(group)))


def _tie(group: Numbers, first: Numbers, second: Numbers) -> None:
    """Makes one group of those of each pair of columns."""
    for a, b in zip(_roots(group, first).tolist(), _roots(group, second).tolist()):
        while group[a] != a:  # the pairs before may have tied it
            a = int(group[a])
        while group[b] != b:
            b = int(group[b])
        group[max(a, b)] = min(a, b)


def _roots(group: Numbers, columns: Numbers) -> Numbers:
    """The first column of each column's group; the way there is made short."""
    roots = group[columns]
    while (group[roots] != roots).any():
        roots = group[roots]
    group[columns] = roots
    return roots
