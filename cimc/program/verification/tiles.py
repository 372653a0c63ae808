"""Checks of tiles: they lie inside of what they are part of, and apart from each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.tiles import TILE_FIELDS, first_places, programmed_cells, tiles_by_array
from cimc.program.errors import ProgramError
from cimc.program.mapped import release
from cimc.program.metadata import Weight
from cimc.program.verification.checks import below, spans, weight_sizes

READ_TOGETHER = 256
"""Arrays after which the memory of a mapped file is given back."""


def verify_tiles(tiles: NDArray[np.int32], weights: Sequence[Weight], arrays: NDArray[np.int8]) -> None:
    """Tiles lie inside their array and weight, and no weight lies outside of tiles (I4).

    Two of them have the same cells, or none in common: equal parts of weights may share a place.
    """
    field = {name: tiles[:, i].astype(np.int64) for i, name in enumerate(TILE_FIELDS)}
    if tiles.size and tiles.min() < 0:
        raise ProgramError(f"tile {int(np.argwhere(tiles < 0)[0, 0])} has a negative number")
    below(field["weight"], len(weights), "tile", "lies in weight", "weights")
    below(field["array"], arrays.shape[0], "tile", "lies in array", "arrays")
    heights, widths = weight_sizes(weights)
    spans(field["row"], field["rows"], arrays.shape[1], "tile", "array rows")
    spans(field["column"], field["columns"], arrays.shape[2], "tile", "array columns")
    spans(field["weight_row"], field["rows"], heights[field["weight"]], "tile", "weight rows")
    spans(field["weight_column"], field["columns"], widths[field["weight"]], "tile", "weight columns")
    _verify_coverage(tiles, arrays)


def _verify_coverage(tiles: NDArray[np.int32], arrays: NDArray[np.int8]) -> None:
    _, rows, columns = arrays.shape
    first, same = first_places(tiles)
    for tile in np.flatnonzero((tiles[:, 4:6] != tiles[first[same], 4:6]).any(axis=1))[:1].tolist():
        raise ProgramError(f"tiles overlap in array {tiles[tile, 1]}")
    tiles = tiles[first]
    areas, counts = np.zeros(len(arrays), np.int64), np.bincount(tiles[:, 1], minlength=len(arrays))
    np.add.at(areas, tiles[:, 1], tiles[:, 4].astype(np.int64) * tiles[:, 5])
    members = tiles_by_array(tiles, len(arrays))
    for array in np.flatnonzero((areas != rows * columns) | (counts != 1)).tolist():
        programmed = programmed_cells(tiles[members[array]], rows, columns)
        if areas[array] != np.count_nonzero(programmed):
            raise ProgramError(f"tiles overlap in array {array}")
        if arrays[array][~programmed].any():
            raise ProgramError(f"array {array} holds weights outside of its tiles")
        if array % READ_TOGETHER == 0:
            release(arrays)
