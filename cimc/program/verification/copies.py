"""Checks of copies: each holds all of its weight, in arrays of its own, and records use its cells alone (I25)."""

from collections.abc import Sequence
from math import lcm

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.copies import MOST_COPIES, copies_of_tiles, copies_of_values
from cimc.program.errors import ProgramError
from cimc.program.metadata import Multiplication, Weight
from cimc.program.records import Opcode, Records

_WEIGHT, _ARRAY, _ROW, _COLUMN, _ROWS, _COLUMNS, _K, _N = range(8)
Tiles = NDArray[np.int32]


def verify_copies(
    records: Records,
    arrays: NDArray[np.int8],
    tiles: Tiles,
    weights: Sequence[Weight],
    multiplications: Sequence[Multiplication],
    slots: int,
) -> None:
    """Copies are as many as there may be and equal, share no array, and each record belongs to one (I25)."""
    for number, weight in enumerate(weights):
        if not 1 <= weight.copies <= MOST_COPIES:
            raise ProgramError(f"weight {number} has {weight.copies} copies, expected 1 to {MOST_COPIES}")
    counts = sorted({weight.copies for weight in weights})
    turns = lcm(*counts)
    if turns > MOST_COPIES:
        raise ProgramError(
            f"weights have {', '.join(map(str, counts))} copies, whose turns repeat after {turns} vectors, expected "
            f"at most {MOST_COPIES}"
        )
    _verify_flags(records, copies_of_values(multiplications, weights, slots))
    if all(weight.copies == 1 for weight in weights):
        return
    copies = copies_of_tiles(tiles, weights)
    for number in [number for number, weight in enumerate(weights) if weight.copies > 1]:
        own = np.flatnonzero(tiles[:, _WEIGHT] == number)
        _verify_weight(number, weights[number].copies, tiles[own].astype(np.int64), copies[own], arrays)
    _verify_arrays(records, tiles, copies, weights, multiplications)


def _verify_flags(records: Records, copies: NDArray[np.int64]) -> None:
    numbers = np.flatnonzero(np.isin(records["op"], (Opcode.MULTIPLY, Opcode.ADD)))
    flags, most = records["flags"][numbers], copies[records["y"][numbers]]
    for i in np.flatnonzero(flags >= most)[:1].tolist():
        raise ProgramError(f"record {numbers[i]} is of copy {flags[i]}, the weight has {most[i]}")


def _verify_weight(
    number: int, copies: int, tiles: NDArray[np.int64], copy: NDArray[np.int64], arrays: NDArray[np.int8]
) -> None:
    count = int(copy[-1]) + 1 if len(copy) else 0
    if count != copies:
        raise ProgramError(f"weight {number} has tiles of {count} copies, expected {copies}")
    pairs = np.unique(np.stack([tiles[:, _ARRAY], copy], axis=1), axis=0)
    for i in np.flatnonzero(np.diff(pairs[:, 0]) == 0)[:1].tolist():
        raise ProgramError(f"copies {pairs[i, 1]} and {pairs[i + 1, 1]} of weight {number} share array {pairs[i, 0]}")
    first = tiles[copy == 0]
    _verify_apart(number, first)
    for other in range(1, copies):
        _verify_equal(number, other, tiles[copy == other], first, arrays)


def _verify_apart(number: int, tiles: NDArray[np.int64]) -> None:
    """No two tiles of a copy hold the same part of the weight."""
    for i in range(len(tiles)):
        if _common(tiles[i], tiles[i + 1 :]).any():
            raise ProgramError(f"two tiles of a copy of weight {number} hold row {tiles[i, _K]}, column {tiles[i, _N]}")


def _verify_equal(
    number: int, copy: int, tiles: NDArray[np.int64], first: NDArray[np.int64], arrays: NDArray[np.int8]
) -> None:
    """A copy holds what the first one holds: it is as large, and equal wherever tiles of the two meet."""
    _verify_apart(number, tiles)
    missing = int(np.prod(first[:, [_ROWS, _COLUMNS]], axis=1).sum())
    for tile in tiles:
        for other in first[_common(tile, first) > 0]:
            low, high = np.maximum(tile[_K:], other[_K:]), np.minimum(_end(tile), _end(other))
            missing -= int((high - low).prod())
            if not np.array_equal(_cells(arrays, tile, low, high), _cells(arrays, other, low, high)):
                raise ProgramError(f"copy {copy} of weight {number} differs from copy 0 in array {tile[_ARRAY]}")
    own = int(np.prod(tiles[:, [_ROWS, _COLUMNS]], axis=1).sum())
    if missing or own != int(np.prod(first[:, [_ROWS, _COLUMNS]], axis=1).sum()):
        raise ProgramError(f"copy {copy} of weight {number} holds other parts of it than copy 0")


def _end(tiles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Behind the last row and column of the weight that tiles hold."""
    return tiles[..., _K:] + tiles[..., [_ROWS, _COLUMNS]]


def _common(tile: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many weights a tile holds that each of others holds too."""
    sides = np.minimum(_end(tile), _end(others)) - np.maximum(tile[_K:], others[:, _K:])
    return np.prod(np.maximum(sides, 0), axis=1)


def _cells(
    arrays: NDArray[np.int8], tile: NDArray[np.int64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.int8]:
    """The part of a tile that holds rows and columns `low` to `high` of its weight."""
    (row, column), (rows, columns) = tile[[_ROW, _COLUMN]] + low - tile[_K:], high - low
    return arrays[tile[_ARRAY], row : row + rows, column : column + columns]


def _verify_arrays(
    records: Records,
    tiles: Tiles,
    copies: NDArray[np.int64],
    weights: Sequence[Weight],
    multiplications: Sequence[Multiplication],
) -> None:
    """A MULTIPLY of a copy uses an array in which this copy lies."""
    where = {(int(w), int(a)): int(c) for w, a, c in zip(tiles[:, _WEIGHT], tiles[:, _ARRAY], copies)}
    copied = {made.y: made.weight for made in multiplications if weights[made.weight].copies > 1}
    numbers = np.flatnonzero((records["op"] == Opcode.MULTIPLY) & np.isin(records["y"], list(copied)))
    fields = [records[name][numbers].tolist() for name in ("y", "array", "flags")]
    for number, y, array, flags in zip(numbers.tolist(), *fields):
        if where.get((copied[y], array)) != flags:
            raise ProgramError(f"record {number} is of copy {flags} of weight {copied[y]}, which has no array {array}")
