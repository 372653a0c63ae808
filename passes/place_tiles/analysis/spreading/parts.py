"""What tiles can be cut into so that arrays have less to do: row groups, and columns by the bits that they need."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from passes.analysis.places import Table
from passes.analysis.timing import Numbers
from passes.place_tiles.analysis.spreading.tiles import COLUMNS, ROWS, WORK, K, N
from passes.place_tiles.analysis.spreading.work import Tile, Work

PART = ("tile", "weight_row", "weight_column", "rows", "columns", "work")
"""Columns of a table of parts: the number of a tile, where a part of it lies in the weight, and the number of what is
asked of it."""

_MORE = 4
"""Of so many row groups, one more is put up with so that they have equally many rows."""

Part = tuple[int, int, int, int, int, int]
"""A tile's number, first row and column of a part in it, its rows, columns, and bits."""


@dataclass(frozen=True)
class Reader:
    """What ADCs make of the cells of tiles.

    `bounds_of` gives the largest sums of the columns of each tile, `groups_of` the rows of the fewest row groups of one
    (None: a single row is too much). A sum of up to `limit` is read exactly, and `adcs` columns at a time.
    """

    bounds_of: Callable[[Sequence[Tile]], Sequence[Numbers]]
    groups_of: Callable[[Tile], Sequence[int] | None]
    limit: int
    adcs: int
    even: bool = True


def parts_of_tiles(
    asked: Work, tiles: Table, tile_of: Callable[..., Tile], reader: Reader
) -> tuple[tuple[Work, ...], Table]:
    """The works of parts, and the parts (a table PART) of those of these tiles that are better not left whole.

    A part is converted at once, and its columns need about equally many bits. Row groups become parts, of equally many
    rows; others only where not all must be `even`, for odd heights fill arrays badly. Of the columns of each, those
    that need most bits are apart from the others, if these are as many as there are ADCs. `tile_of` gives the numbers
    of a tile; all are looked at.
    """
    matrices = [np.ascontiguousarray(tile_of(*tile)) for tile in tiles.tolist()]
    parts: list[Part] = []
    for number, (matrix, bounds) in enumerate(zip(matrices, reader.bounds_of(matrices))):
        bound = int(bounds.max(initial=0))
        groups = _row_groups(matrix, bound, reader) if bound > reader.limit else []
        own = [
            (number, first_row, first, rows, columns, bits)
            for first_row, rows, sums in groups or [(0, len(matrix), bounds)]
            for first, columns, bits in _runs(sums, reader.adcs)
        ]
        parts += own if len(own) > 1 else []
    return _with_works(asked, tiles, parts)


def row_groups_of_tiles(
    asked: Work, tiles: Table, tile_of: Callable[..., Tile], reader: Reader, bounds: Sequence[float]
) -> tuple[tuple[Work, ...], Table]:
    """As `parts_of_tiles`, but parts are row groups only; those tiles are looked at whose largest sums, about `bounds`,
    are too much for the ADCs."""
    parts: list[Part] = []
    for number, bound in enumerate(bounds):
        if bound > reader.limit:
            matrix = np.ascontiguousarray(tile_of(*tiles[number].tolist()))
            for first, rows, sums in _row_groups(matrix, int(bound), reader):
                parts.append((number, first, 0, rows, matrix.shape[1], max(1, int(sums.max()).bit_length())))
    return _with_works(asked, tiles, parts)


def _with_works(asked: Work, tiles: Table, parts: Sequence[Part]) -> tuple[tuple[Work, ...], Table]:
    known: dict[Work, int] = {}
    table: list[tuple[int, ...]] = []
    for number, first_row, first, rows, columns, bits in parts:
        k, n = tiles[number, :2].tolist()
        work = known.setdefault(replace(asked, peak=((1 << bits) - 1) / rows), len(known))
        table.append((number, k + first_row, n + first, rows, columns, work))
    return tuple(known), np.array(table, np.int64).reshape(-1, len(PART))


def cut_parts(tiles: Table, parts: Table) -> Table:
    """The tiles, those of which there are parts cut into these."""
    whole = np.ones(len(tiles), np.bool_)
    whole[parts[:, 0]] = False
    cut = tiles[parts[:, 0]]
    cut[:, [K, N, ROWS, COLUMNS, WORK]] = parts[:, 1:]
    return np.concatenate([tiles[whole], cut])


def _row_groups(tile: Tile, bound: int, reader: Reader) -> list[tuple[int, int, Numbers]]:
    """First row, rows, and the largest sums of the columns, of each row group of a tile whose largest sum is about
    `bound`; none where it is not cut."""
    for count in _counts(tile, bound, reader):
        groups = _cut(tile, _even(len(tile), count), reader)
        if max(int(sums.max(initial=0)) for _, _, sums in groups) <= reader.limit:
            return groups
    rows = None if reader.even else reader.groups_of(tile)
    return [] if rows is None else _cut(tile, rows, reader)


def _cut(tile: Tile, rows: Sequence[int], reader: Reader) -> list[tuple[int, int, Numbers]]:
    ends = np.cumsum(rows)
    sums = reader.bounds_of([np.ascontiguousarray(part) for part in np.split(tile, ends[:-1])])
    return list(zip((ends - rows).tolist(), rows, sums))


def _counts(tile: Tile, bound: int, reader: Reader) -> Iterator[int]:
    """How many row groups are tried: as many as the sum needs at least, then as are needed, and some more of many."""
    least = -(-bound // reader.limit)
    if least <= len(tile):
        yield least
    groups = reader.groups_of(tile)
    if groups is not None:
        yield from range(max(least + 1, len(groups)), min(len(tile), len(groups) + len(groups) // _MORE) + 1)


def _even(rows: int, count: int) -> list[int]:
    return [rows // count + (part < rows % count) for part in range(count)]


def _runs(bounds: Numbers, adcs: int) -> list[tuple[int, int, int]]:
    """First column, columns and bits of what lies beside each other and needs most bits, or does not."""
    bits = np.maximum(1, np.frexp(bounds)[1])
    most = bits == bits.max()
    if len(bits) - most.sum() < adcs:
        return [(0, len(bits), int(bits.max()))]
    others = int(bits[~most].max())
    starts = [0, *(1 + np.flatnonzero(np.diff(most))).tolist()]
    ends = [*starts[1:], len(bits)]
    return [(first, end - first, int(bits.max()) if most[first] else others) for first, end in zip(starts, ends)]
