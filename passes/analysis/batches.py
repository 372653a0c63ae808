"""Many small tiles looked at together: each by itself, a million of them would take long."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt


def batches(tiles: Sequence[npt.NDArray[np.int8]]) -> Iterator[tuple[list[int], npt.NDArray[np.int8]]]:
    """The numbers of tiles [rows, columns] of one shape, and these as [tiles, rows, columns]; large ones alone."""
    small: dict[tuple[int, ...], list[int]] = {}
    for number, tile in enumerate(tiles):
        if tile.size >= LARGE:
            yield [number], tile[None]
        else:
            small.setdefault(tile.shape, []).append(number)
    for (rows, columns), members in small.items():
        step = max(1, _BATCH // (rows * columns))
        for first in range(0, len(members), step):
            together = members[first : first + step]
            yield together, np.stack([tiles[i] for i in together])


LARGE = 1 << 13
"""Numbers of a tile that is looked at alone."""
_BATCH = 1 << 20
"""Numbers of smaller ones that are looked at together."""
