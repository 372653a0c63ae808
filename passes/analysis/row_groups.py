"""Row groups: which rows of a tile may be activated together so that no ADC can clip, whatever the inputs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from passes.analysis.cells import Cells


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


def lossless_groups(cells: Cells, dac_bits: int, adc_bits: int) -> list[RowGroup] | None:
    """The fewest groups of consecutive rows with `(2^dac_bits - 1) * max(column sums) <= 2^adc_bits - 1`.

    `cells` is uint8 [slices, rows, columns], as programmed. Groups are taken as large as they go from the first row
    on, which gives the fewest. None if a single row is too much for the ADC.
    """
    drive, limit = (1 << dac_bits) - 1, (1 << adc_bits) - 1
    slices, rows, columns = cells.shape
    sums = np.zeros((rows + 1, slices * columns), np.int32)
    np.cumsum(cells.transpose(1, 0, 2).reshape(rows, -1), axis=0, dtype=np.int32, out=sums[1:])
    groups: list[RowGroup] = []
    first = 0
    while first < rows:
        last = _last_within(sums, first, limit // drive)
        if last == first:
            return None
        groups.append(RowGroup(first, last - first, drive * _largest(sums, first, last)))
        first = last
    return groups


def _last_within(sums: npt.NDArray[np.int32], first: int, limit: int) -> int:
    """The greatest `last` for which no column of rows [first, last) sums to more than `limit` (bisection)."""
    low, high = first, len(sums) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _largest(sums, first, middle) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def _largest(sums: npt.NDArray[np.int32], first: int, last: int) -> int:
    return int((sums[last] - sums[first]).max(initial=0))
