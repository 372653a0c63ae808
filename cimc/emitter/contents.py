"""What is programmed into the arrays, and which tile lies where: weight by weight, as all may be gigabytes."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimc.files.reasons import reason
from cimc.program.mapped import release
from cimc.program.verifier import TILE_FIELDS, own_places
from dialects.array import MultiplyOp
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from dialects.locations import node_name
from dialects.network import Network
from dialects.semantics.weight_values import stored_matrix

IN_MEMORY = 1 << 29
"""Arrays of more bytes than this lie in a file without a name, which is gone when nobody uses it any more."""


def contents(
    network: Network, users: Sequence[MultiplyOp], chip: ChipAttr, folder: Path | None = None
) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """The arrays [arrays, rows, columns] with the weights of `users`, 0 elsewhere, and the table of their tiles.

    Large arrays lie in a file in `folder` (default: where temporary files are). Raises UserError if there is no room,
    or if tiles that share a place do not hold the same numbers.
    """
    parts = [_tiles(number, op) for number, op in enumerate(users)]
    tiles = np.concatenate([np.zeros((0, len(TILE_FIELDS)), np.int32), *parts])
    arrays = _room((int(tiles[:, 1].max(initial=-1)) + 1, chip.rows, chip.columns), folder)
    is_first = np.zeros(len(tiles), np.bool_)
    is_first[own_places(tiles)] = True
    written = np.split(is_first, np.cumsum([len(part) for part in parts])[:-1])
    for op, part, first in zip(users, parts, written):
        matrix = stored_matrix(network.weight(op.symbol), network)
        for (_, array, row, column, rows, columns, k, n), is_new in zip(part.tolist(), first.tolist()):
            place = arrays[array, row : row + rows, column : column + columns]
            cells = matrix.tile(k, n, rows, columns)
            if is_new:
                place[:] = cells
            elif not np.array_equal(place, cells):
                raise UserError(
                    f"node {node_name(op)!r}: the tile of weight @{op.symbol} from row {k}, column {n} on lies in "
                    f"array {array} where other numbers lie: run place-tiles for legal places"
                )
        release(arrays)
    return arrays, tiles


def _tiles(number: int, op: MultiplyOp) -> NDArray[np.int32]:
    """The rows (TILE_FIELDS) of the weight that `op` multiplies by, which has this number."""
    assert op.places is not None
    tile, place = op.tiles.array, op.places.array
    numbers = np.full((len(tile), 1), number)
    return np.concatenate([numbers, place, tile[:, 2:], tile[:, :2]], axis=1).astype(np.int32)


def _room(shape: tuple[int, int, int], folder: Path | None) -> NDArray[np.int8]:
    """Zeros of this shape, in memory or in a file."""
    size = shape[0] * shape[1] * shape[2]
    if size <= IN_MEMORY:
        return np.zeros(shape, np.int8)
    place = tempfile.gettempdir() if folder is None else folder
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)  # a full disk would be a signal later on
            return np.asarray(np.memmap(file, np.int8, "r+", shape=shape))
    except OSError as error:
        raise UserError(
            f"{place}: has no room for {size / 1e9:.1f} GB of array contents: {reason(error)}: "
            "expected as much space as the program takes, twice"
        ) from error
