"""Cuts banded matrices into blocks along their diagonal, which overlap in rows: few blocks that hold all nonzeros."""

import numpy as np

from passes.detect_block_diagonal.analysis.repetition import (
    LEAST_SAVING,
    Cut,
    Matrix,
    Table,
    block_cost,
    row_spans,
)


def banded_blocks(matrix: Matrix, array_rows: int, array_columns: int) -> Cut | None:
    """The cheapest cut of a matrix [in, out] into strips of columns, each with the rows from its first nonzero to its
    last; None if that saves less than `LEAST_SAVING`, if more than half of their numbers are zeros, or for one strip.

    Strips are at most as wide as an array; each costs as much as some cells (`block_cost`).
    """
    sample = matrix[:: -(-len(matrix) // _SAMPLES)]
    if np.count_nonzero(sample) > (1 - LEAST_SAVING) * sample.size:
        return None
    first, last = row_spans(matrix)
    cost = block_cost(array_rows, array_columns)
    whole = matrix.size + cost * -(-len(matrix) // array_rows) * -(-matrix.shape[1] // array_columns)
    filled = last > first
    if np.maximum(last - first, 0).sum() > (1 - LEAST_SAVING) * matrix.size or not filled.any():
        return None
    strips = _strips(first, last, array_columns, cost)
    cut = Cut(strips, len(strips), int((strips[:, 2] * strips[:, 3]).sum()))
    if len(strips) < 2 or cut.cells > 2 * np.count_nonzero(matrix) or cut.cost(cost) > (1 - LEAST_SAVING) * whole:
        return None
    return cut


_SAMPLES = 64
"""About so many rows are looked at before all are."""


def _strips(first: Table, last: Table, most_columns: int, cost: int) -> Table:
    """The strips of least cost, by dynamic programming over the column behind the last one of a strip."""
    columns = len(first)
    least = np.zeros(columns + 1)
    begin = np.zeros(columns + 1, np.int64)
    for end in range(1, columns + 1):
        low = max(0, end - most_columns)
        top = np.minimum.accumulate(first[low:end][::-1])[::-1]
        height = np.maximum(np.maximum.accumulate(last[low:end][::-1])[::-1] - top, 0)
        total = least[low:end] + np.where(height > 0, height * (end - np.arange(low, end)) + cost, 0)
        begin[end] = low + int(total.argmin())
        least[end] = total.min()
    strips: list[tuple[int, int, int, int]] = []
    end = columns
    while end:
        start = int(begin[end])
        top, bottom = int(first[start:end].min()), int(last[start:end].max())
        if bottom > top:
            strips.append((top, start, bottom - top, end - start))
        end = start
    return np.array(strips[::-1], np.int64).reshape(-1, 4)
