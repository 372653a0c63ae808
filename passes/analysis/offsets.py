"""What encoding `offset` adds to the weights of each column of a tile, so that its cells hold no negative number."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dialects.chip.formats import MOST_BITS, OFFSET, CellFormat
from passes.analysis.batches import batches

Offsets = npt.NDArray[np.int16]
Weights = npt.NDArray[np.int8]


def column_offsets(weights: Weights, cells: CellFormat, cell_bits: int) -> Offsets:
    """The offsets int16 [..., columns] of tiles int8 [..., rows, columns] of one shape, which must fit; else 0.

    They are a function of a tile's numbers and its format alone. Not centred, an offset is `2^(bits - 1)`, the
    midpoint, or what comes nearest to it and fits. Centred, it is the least of those that make the largest sum of a
    slice of its column, all rows together, as small as it can be.
    """
    columns = (*weights.shape[:-2], weights.shape[-1])
    if cells.format.encoding != OFFSET:
        return np.zeros(columns, np.int16)
    bits = cells.format.bits
    if bits == MOST_BITS and not cells.centred:
        return np.full(columns, 1 << (bits - 1), np.int16)
    low, high = column_limits(weights)
    least, most = -low, (1 << bits) - 1 - high
    assert (least <= most).all(), "a column does not fit"
    if not cells.centred:
        return np.minimum(np.maximum(least, np.int16(1 << (bits - 1))), most)
    return least + _centring(weights, low, most - least, bits, cell_bits).reshape(columns)


def _centring(weights: Weights, low: Offsets, spare: Offsets, bits: int, cell_bits: int) -> npt.NDArray[np.int16]:
    """For each column what is best added to its numbers once the least of them is 0; `spare` is the most.

    All candidates are tried, from sums of slices that are carried on: with one more added, a digit grows by one where
    the number is then a multiple of its significance, and falls back to 0 where it is one of the next digit's.
    """
    rows, columns = weights.shape[-2:]
    above: npt.NDArray[np.int64] = np.subtract(
        weights.reshape(-1, rows, columns), low.reshape(-1, 1, columns), dtype=np.int64
    )
    count: int = len(above) * columns
    above *= count
    above += np.arange(count).reshape(-1, 1, columns)
    counts = np.bincount(above.reshape(-1), minlength=count << bits).reshape(1 << bits, count).astype(np.int32)
    steps = -np.arange(1, int(spare.max(initial=0)) + 1)
    largest = np.zeros((len(steps) + 1, count), np.int32)
    for shift in range(0, bits, cell_bits):
        digits = (np.arange(1 << bits) >> shift) & ((1 << cell_bits) - 1)
        start = digits.astype(np.float32) @ counts.astype(np.float32)  # exact: below 2^24
        growth = _multiples(counts, shift)[steps % (1 << shift)]
        if shift + cell_bits < bits:
            carry = shift + cell_bits
            growth -= _multiples(counts, carry)[steps % (1 << carry)] << cell_bits
        sums = np.concatenate([start[None].astype(np.int32), growth])
        np.maximum(largest, np.cumsum(sums, axis=0, out=sums), out=largest)
    tried = np.arange(len(largest), dtype=np.int16)[:, None]
    largest[tried > spare.reshape(-1)] = np.iinfo(np.int32).max
    return largest.argmin(axis=0).astype(np.int16)


def _multiples(counts: npt.NDArray[np.int32], shift: int) -> npt.NDArray[np.int32]:
    """How many numbers of each column leave each remainder when divided by `2^shift`, [remainders, columns]."""
    return counts.reshape(-1, 1 << shift, counts.shape[1]).sum(axis=0, dtype=np.int32)


def column_limits(weights: Weights) -> tuple[Offsets, Offsets]:
    """The least and the greatest number of each column, int16 [..., columns], of tiles int8 [..., rows, columns]."""
    return weights.min(axis=-2).astype(np.int16), weights.max(axis=-2).astype(np.int16)


def offsets_of(tiles: Sequence[Weights], cells: CellFormat, cell_bits: int) -> Offsets:
    """The offsets of all columns of tiles int8 [rows, columns], one tile after the other."""
    first: npt.NDArray[np.int64] = np.cumsum([0, *(tile.shape[1] for tile in tiles)])
    total = int(first[-1])
    if not cells.centred and (cells.format.encoding != OFFSET or cells.format.bits == MOST_BITS):
        return np.full(total, 1 << (MOST_BITS - 1) if cells.format.encoding == OFFSET else 0, np.int16)
    offsets = np.zeros(total, np.int16)
    for numbers, together in batches(tiles):
        width: int = together.shape[2]
        columns = np.add.outer(first[numbers], np.arange(width))
        offsets[columns] = column_offsets(together, cells, cell_bits)
    return offsets


def misfit(tiles: Sequence[Weights], cells: CellFormat) -> str | None:
    """Why tiles int8 [rows, columns] cannot stand in cells of this format; None if they can."""
    if cells.format.bits == MOST_BITS:
        return None
    for _, together in batches(tiles):
        low, high = (limit.reshape(-1) for limit in column_limits(together))
        wrong = _misfit(low, high, cells)
        if wrong is not None:
            return wrong
    return None


def _misfit(low: Offsets, high: Offsets, cells: CellFormat) -> str | None:
    """The same for columns with these limits."""
    bits = cells.format.bits
    if cells.format.encoding == OFFSET:
        column = int((high - low).argmax())
        if high[column] - low[column] < 1 << bits:
            return None
        return f"has {low[column]} and {high[column]} in one column, {bits} bits hold {1 << bits} numbers"
    least, most = cells.format.limits
    if least <= low.min() and high.max() <= most:
        return None
    worst = int(low.min()) if low.min() < least else int(high.max())
    return f"has {worst}, {bits} bits hold {least} to {most}"
