"""Row groups: which rows of a tile may be activated together so that no ADC can clip, whatever the inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dialects.chip.formats import CellFormat
from passes.analysis.batches import LARGE, batches
from passes.analysis.cells import Cells, cells_of


@dataclass(frozen=True)
class RowGroup:
    """Rows [first, first + rows) of a tile; `bound` is the largest sum that any input can cause in a column."""

    first: int
    rows: int
    bound: int

    @property
    def adc_bits(self) -> int:
        """The fewest bits with which an ADC reads every sum up to `bound` exactly: `bound <= 2^bits - 1`."""
        return max(1, self.bound.bit_length())


GROUP = ("tile", "first_row", "rows", "adc_bits", "adc_shift", "bound")
"""Columns of a table of row groups; `adc_shift` is 0, no low bits are dropped."""


def tile_groups(
    matrices: Sequence[npt.NDArray[np.int8]],
    cell_bits: int,
    cells: CellFormat,
    dac_bits: int,
    adc_bits: int,
    lossy: int,
) -> npt.NDArray[np.int64] | None:
    """The row groups (a table GROUP) of tiles int8 [rows, columns]; None if a single row is too much for the ADC.

    With `lossy` bits (0 for none), all rows of a tile are one group whose conversions have so many bits at most, and
    may clip.
    """
    drive, most = (1 << dac_bits) - 1, (1 << adc_bits) - 1
    rows: list[tuple[int, ...]] = []
    bounds = iter(whole_bounds([m for m in matrices if m.size < LARGE], cell_bits, cells, dac_bits))
    for number, matrix in enumerate(matrices):
        sums = None if matrix.size < LARGE else _ColumnSums(cells_of(matrix, cell_bits, cells))
        bound = next(bounds) if sums is None else drive * sums.largest()
        groups: list[RowGroup] | None = [RowGroup(0, len(matrix), bound)]
        if bound > most and not lossy:
            groups = _lossless(sums or _ColumnSums(cells_of(matrix, cell_bits, cells)), drive, most)
        if groups is None:
            return None
        bits = [min(g.adc_bits, lossy or g.adc_bits) for g in groups]
        rows += [(number, g.first, g.rows, b, 0, g.bound) for g, b in zip(groups, bits)]
    return np.array(rows, np.int64).reshape(-1, len(GROUP))


def whole_bounds(
    matrices: Sequence[npt.NDArray[np.int8]], cell_bits: int, cells: CellFormat, dac_bits: int
) -> list[int]:
    """For each tile the largest sum that any input can cause if all its rows are active; equal shapes at once."""
    bounds = np.zeros(len(matrices), np.int64)
    for numbers, together in batches(matrices):
        sums = _column_sums(cells_of(together, cell_bits, cells))
        bounds[numbers] = ((1 << dac_bits) - 1) * sums.max(axis=(0, 2), initial=0).astype(np.int64)
    return bounds.tolist()


def column_bounds(
    matrices: Sequence[npt.NDArray[np.int8]], cell_bits: int, cells: CellFormat, dac_bits: int
) -> list[npt.NDArray[np.int64]]:
    """For each column of each tile the largest sum that any input can cause if all rows of the tile are active."""
    bounds = [np.zeros(0, np.int64)] * len(matrices)
    for numbers, together in batches(matrices):
        sums = _column_sums(cells_of(together, cell_bits, cells)).max(axis=0, initial=0)
        for number, own in zip(numbers, ((1 << dac_bits) - 1) * sums.astype(np.int64)):
            bounds[number] = own
    return bounds


def lossless_groups(cells: Cells, dac_bits: int, adc_bits: int) -> list[RowGroup] | None:
    """The fewest groups of consecutive rows with `(2^dac_bits - 1) * max(column sums) <= 2^adc_bits - 1` (N9, N10).

    `cells` is uint8 [slices, rows, columns], as programmed. Groups are taken as large as they go from the first row
    on, which gives the fewest. None if a single row is too much for the ADC.
    """
    return _lossless(_ColumnSums(cells), (1 << dac_bits) - 1, (1 << adc_bits) - 1)


def _lossless(sums: "_ColumnSums", drive: int, limit: int) -> list[RowGroup] | None:
    groups: list[RowGroup] = []
    first = 0
    while first < sums.rows:
        last, largest = sums.most_rows(first, limit // drive)
        if last == first:
            return None
        groups.append(RowGroup(first, last - first, drive * largest))
        first = last
    return groups


class _ColumnSums:
    """Sums of any consecutive rows of all columns, from sums of a few rows each (prefix sums of all cost more time)."""

    def __init__(self, cells: Cells):
        self.cells, self.rows = cells, cells.shape[1]
        whole = self.rows // _CHUNK
        self.before = np.zeros((len(cells), whole + 1, cells.shape[2]), np.uint32)
        chunks = _chunk_sums(cells)
        for chunk in range(whole):  # faster than cumsum, which walks along the rows
            np.add(self.before[:, chunk], chunks[:, chunk], out=self.before[:, chunk + 1])

    def largest(self) -> int:
        """The largest sum of all rows."""
        return int(self._first_rows(self.rows).max(initial=0))

    def most_rows(self, first: int, limit: int) -> tuple[int, int]:
        """The greatest `last` with no sum of rows [first, last) above `limit`, and the largest of these sums."""
        start = self._first_rows(first)
        after = first // _CHUNK + 1  # the first row that begins a chunk after `first`
        ends = (self.before[:, after:] - start[:, None]).max(axis=(0, 2), initial=0)
        passed = int(np.searchsorted(ends, limit, side="right"))
        low, largest = (first, 0) if not passed else ((after + passed - 1) * _CHUNK, int(ends[passed - 1]))
        high = min(self.rows, (after + passed) * _CHUNK - 1)
        while low < high:
            middle = (low + high + 1) // 2
            sum_ = int((self._first_rows(middle) - start).max(initial=0))
            if sum_ <= limit:
                low, largest = middle, sum_
            else:
                high = middle - 1
        return low, largest

    def _first_rows(self, count: int) -> npt.NDArray[np.uint32]:
        """The sums of the first rows, [slices, columns]."""
        whole = min(count // _CHUNK, self.before.shape[1] - 1)
        rest = self.cells[:, whole * _CHUNK : count].sum(axis=1, dtype=np.uint32)
        return self.before[:, whole] + rest


def _column_sums(cells: Cells) -> npt.NDArray[np.uint32]:
    """The sums of all rows, [..., columns], of cells [..., rows, columns]."""
    chunks = _chunk_sums(cells).sum(axis=-2, dtype=np.uint32)
    return chunks + cells[..., cells.shape[-2] // _CHUNK * _CHUNK :, :].sum(axis=-2, dtype=np.uint32)


def _chunk_sums(cells: Cells) -> npt.NDArray[np.uint16]:
    """The sums of each `_CHUNK` rows, [..., chunks, columns]; what is left of the rows belongs to none.

    Cells of up to four bits make sums that fit a byte, and are added eight at a time.
    """
    *leading, rows, columns = cells.shape
    whole = rows // _CHUNK
    chunks = cells[..., : whole * _CHUNK, :].reshape(*leading, whole, _CHUNK, columns)
    if columns % 8 == 0 and chunks.flags.c_contiguous and chunks.max(initial=0) <= 255 // _CHUNK:
        return chunks.view(np.uint64).sum(axis=-2, dtype=np.uint64).view(np.uint8).astype(np.uint16)
    return chunks.sum(axis=-2, dtype=np.uint16)


_CHUNK = 16
"""Rows whose sums are kept."""
