"""The linear mapping: every tile has an array of its own, as it comes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]


def place_linear(tiles: Sequence[Table]) -> list[Table]:
    """Places (array, first row, first column) for the tiles of each weight: array after array, in the upper left.

    That is `ceil(in / rows) * ceil(out / columns)` arrays a weight, as in arXiv 2510.11192.
    """
    places: list[Table] = []
    used = 0
    for table in tiles:
        numbers = np.arange(used, used + len(table), dtype=np.int64)
        places.append(np.stack([numbers, np.zeros_like(numbers), np.zeros_like(numbers)], axis=1))
        used += len(table)
    return places
