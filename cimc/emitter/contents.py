"""What is programmed into the arrays, and which tile lies where: weight by weight, as all may be gigabytes."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimc.files.reasons import reason
from cimc.program.arrays.formats import Format
from cimc.program.arrays.tiles import TILE_FIELDS, own_places
from cimc.program.mapped import release
from dialects.array import MultiplyOp
from dialects.errors import UserError
from dialects.hardware import ChipAttr
from dialects.locations import node_name
from dialects.network import Network
from passes.analysis.offsets import offsets_of
from passes.rewriting.weight_tiles import fitting_tiles

IN_MEMORY = 1 << 29
"""Arrays of more bytes than this lie in a file without a name, which is gone when nobody uses it any more."""


@dataclass(frozen=True)
class Contents:
    """What arrays hold: `arrays` int8 [arrays, rows, columns], 0 where nothing is, the table `tiles` int32 of what lies
    where, the `formats` of arrays with the number of each array's, and the offset of each column of each tile."""

    arrays: NDArray[np.int8]
    tiles: NDArray[np.int32]
    formats: list[Format]
    array_formats: NDArray[np.uint8]
    offsets: NDArray[np.int16]


def contents(network: Network, users: Sequence[MultiplyOp], chip: ChipAttr, folder: Path | None = None) -> Contents:
    """The arrays with the weights that `users` multiply by.

    Large arrays lie in a file in `folder` (default: where temporary files are). Raises UserError if there is no room,
    or if tiles that share a place do not hold the same numbers, or if numbers do not fit their format.
    """
    parts = [_tiles(number, op) for number, op in enumerate(users)]
    tiles = np.concatenate([np.zeros((0, len(TILE_FIELDS)), np.int32), *parts])
    arrays = _room((int(tiles[:, 1].max(initial=-1)) + 1, chip.rows, chip.columns), folder)
    offsets = [np.zeros(0, np.int16)]
    is_first = np.zeros(len(tiles), np.bool_)
    is_first[own_places(tiles)] = True
    written = np.split(is_first, np.cumsum([len(part) for part in parts])[:-1])
    for op, part, first in zip(users, parts, written):
        matrices = fitting_tiles(op, network, chip)
        for cells, (_, array, row, column, rows, columns, k, n), is_new in zip(matrices, part.tolist(), first.tolist()):
            place = arrays[array, row : row + rows, column : column + columns]
            if is_new:
                place[:] = cells
            elif not np.array_equal(place, cells):
                raise UserError(
                    f"node {node_name(op)!r}: the tile of weight @{op.symbol} from row {k}, column {n} on lies in "
                    f"array {array} where other numbers lie: run place-tiles for legal places"
                )
        offsets.append(offsets_of(matrices, op.cells(chip), chip.cell_bits))
        release(arrays)
    formats, array_formats = _formats(users, parts, chip, len(arrays))
    return Contents(arrays, tiles, formats, array_formats, np.concatenate(offsets))


def _formats(
    users: Sequence[MultiplyOp], parts: Sequence[NDArray[np.int32]], chip: ChipAttr, arrays: int
) -> tuple[list[Format], NDArray[np.uint8]]:
    """The formats of arrays, in the order of these, and the number of each array's; empty ones have the first."""
    own = [op.cells(chip).format for op in users]
    first = {format_: min(int(p[:, 1].min()) for p, f in zip(parts, own) if f == format_) for format_ in set(own)}
    order = sorted(first, key=lambda format_: first[format_])
    numbers = np.zeros(arrays, np.uint8)
    for format_, part in zip(own, parts):
        numbers[part[:, 1]] = order.index(format_)
    formats = order or [chip.default_format]
    return [Format(format_.bits, format_.encoding) for format_ in formats], numbers


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
