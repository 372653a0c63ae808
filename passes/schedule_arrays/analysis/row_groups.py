"""Row groups: which rows of a tile may be activated together so that no ADC can clip, whatever the inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passes.schedule_arrays.analysis.cells import Cells, cells_of


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
    matrices: Sequence[npt.NDArray[np.int8]], cell_bits: int, encoding: str, dac_bits: int, adc_bits: int, lossy: int
) -> npt.NDArray[np.int64] | None:
    """The row groups (a table GROUP) of tiles int8 [rows, columns]; None if a single row is too much for the ADC.

    With `lossy` bits (0 for none), all rows of a tile are one group whose conversions have so many bits at most, and
    may clip.
    """
    most = (1 << adc_bits) - 1
    rows: list[tuple[int, ...]] = []
    bounds = whole_bounds(matrices, cell_bits, encoding, dac_bits)
    for number, (matrix, bound) in enumerate(zip(matrices, bounds)):
        groups: list[RowGroup] | None = [RowGroup(0, len(matrix), bound)]
        if bound > most and not lossy:
            groups = lossless_groups(cells_of(matrix, cell_bits, encoding), dac_bits, adc_bits)
        if groups is None:
            return None
        bits = [min(g.adc_bits, lossy or g.adc_bits) for g in groups]
        rows += [(number, g.first, g.rows, b, 0, g.bound) for g, b in zip(groups, bits)]
    return np.array(rows, np.int64).reshape(-1, len(GROUP))


def whole_bounds(matrices: Sequence[npt.NDArray[np.int8]], cell_bits: int, encoding: str, dac_bits: int) -> list[int]:
    """For each tile the largest sum that any input can cause if all its rows are active; equal shapes at once."""
    shapes: dict[tuple[int, ...], list[int]] = {}
    for number, matrix in enumerate(matrices):
        shapes.setdefault(matrix.shape, []).append(number)
    bounds = [0] * len(matrices)
    for (rows, columns), members in shapes.items():
        step = max(1, _BATCH // (rows * columns))
        for first in range(0, len(members), step):
            together = members[first : first + step]
            cells = cells_of(np.stack([matrices[i] for i in together]), cell_bits, encoding)
            largest = cells.sum(axis=2, dtype=np.uint32).max(axis=(0, 2))
            for number, bound in zip(together, (((1 << dac_bits) - 1) * largest.astype(np.int64)).tolist()):
                bounds[number] = bound
    return bounds


def lossless_groups(cells: Cells, dac_bits: int, adc_bits: int) -> list[RowGroup] | None:
    """The fewest groups of consecutive rows with `(2^dac_bits - 1) * max(column sums) <= 2^adc_bits - 1` (N9, N10).

    `cells` is uint8 [slices, rows, columns], as programmed. Groups are taken as large as they go from the first row
    on, which gives the fewest. None if a single row is too much for the ADC.
    """
    drive, limit = (1 << dac_bits) - 1, (1 << adc_bits) - 1
    sums = _ColumnSums(cells)
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
        chunks = cells[:, : whole * _CHUNK].reshape(len(cells), whole, _CHUNK, cells.shape[2])
        self.before = np.zeros((len(cells), whole + 1, cells.shape[2]), np.uint32)
        np.cumsum(chunks.sum(axis=2, dtype=np.uint16), axis=1, dtype=np.uint32, out=self.before[:, 1:])

    def most_rows(self, first: int, limit: int) -> tuple[int, int]:
        """The greatest `last` with no sum of rows [first, last) above `limit`, and the largest of these sums."""
        start, largest = self._first_rows(first), 0
        low, high = first, self.rows
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


_CHUNK = 16
"""Rows whose sums are kept."""
_BATCH = 1 << 20
"""Weights whose cells are summed at once."""
