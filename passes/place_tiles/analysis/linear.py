"""The linear mapping: tiles get arrays as they come; the tiles of a dense weight have one each."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]


def place_linear(tiles: Sequence[Table], is_dense: Sequence[bool], array_rows: int, array_columns: int) -> list[Table]:
    """Places (array, first row, first column) for the tiles of each weight, array after array.

    A dense weight takes `ceil(in / rows) * ceil(out / columns)` arrays, as in arXiv 2510.11192. The blocks of a
    structured one follow each other down the diagonal of an array until the next does not fit.
    """
    places: list[Table] = []
    used = 0
    for table, dense in zip(tiles, is_dense):
        own = _one_each(len(table)) if dense else _diagonal(table, array_rows, array_columns)
        own[:, 0] += used
        used = 1 + int(own[:, 0].max(initial=used - 1))
        places.append(own)
    return places


def _one_each(count: int) -> Table:
    numbers = np.arange(count, dtype=np.int64)
    return np.stack([numbers, np.zeros_like(numbers), np.zeros_like(numbers)], axis=1)


def _diagonal(tiles: Table, array_rows: int, array_columns: int) -> Table:
    rows: list[tuple[int, int, int]] = []
    array = row = column = 0
    for height, width in tiles[:, 2:].tolist():
        if row + height > array_rows or column + width > array_columns:
            array, row, column = array + 1, 0, 0
        rows.append((array, row, column))
        row, column = row + height, column + width
    return np.array(rows, np.int64).reshape(-1, 3)
