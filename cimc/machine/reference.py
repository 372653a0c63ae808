"""The reference engine: what MULTIPLY does, in plain Python integers, one record at a time.

This is the living definition of the instruction set and shares nothing with the fast engine. An integer used as a bit
vector holds one bit for every row of the row group, the first row at the top; `(inputs & cells).bit_count()` is then
the analog sum of one column for one bit of the inputs and one bit of the cells.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from cimc.program.program import Program
from cimc.program.records import Records

Part = tuple[int, list[int]]
"""A digit of a byte: its significance, and the bits of the byte that it is made of, lowest first."""


def digits(bits_per_digit: int, signed: bool) -> list[Part]:
    """Cuts a byte into digits; the sign bit is alone, because neither cells nor input lines hold negative digits.

    Of an input, the planes (N1, N2); of what cells hold, the slices.
    """
    if not signed:
        return _cut(8, bits_per_digit)
    return [*_cut(7, bits_per_digit), (-128, [7])]


def _cut(bits: int, width: int) -> list[Part]:
    return [(1 << low, list(range(low, min(low + width, bits)))) for low in range(0, bits, width)]


def _bit_reader(byte_of: Callable[[int], int], bit: int) -> bytes:
    """A table for bytes.translate that turns a two's complement byte into the text digit of one of its bits."""
    return bytes(48 + (byte_of(code - 256 if code > 127 else code) >> bit & 1) for code in range(256))


class Cells:
    """How an encoding stores a weight (N3, N4, N5): one or two bytes in cells, together worth `weight + excess`."""

    def __init__(self, encoding: str, cell_bits: int) -> None:
        self.excess = 128 if encoding == "offset" else 0
        signed = encoding == "twos-complement"
        stored: list[tuple[int, Callable[[int], int]]] = [(1, lambda weight: weight + self.excess)]
        if encoding == "differential":
            stored = [(1, lambda weight: max(weight, 0)), (-1, lambda weight: max(-weight, 0))]
        self.slices = [
            (sign * significance, [_bit_reader(byte_of, bit) for bit in bits])
            for sign, byte_of in stored
            for significance, bits in digits(cell_bits, signed)
        ]


class ReferenceEngine:
    """Executes MULTIPLY records, by default those of the program in its order."""

    def __init__(self, program: Program, records: Records | None = None) -> None:
        self.instructions = program.instructions if records is None else records
        self.arrays = program.arrays
        self.tiles: dict[int, list[list[int]]] = {}
        for _, array, *rectangle, _, _ in program.tiles.tolist():
            self.tiles.setdefault(array, []).append(rectangle)
        self.cells = Cells(program.chip.encoding, program.chip.cell_bits)
        self.dac_bits = program.chip.dac_bits

    def multiply(self, first: int, last: int, x: NDArray[np.int8 | np.uint8], y: NDArray[np.int32]) -> int:
        """Executes records first to last - 1 (I12): y [vectors, N] += x [vectors, K] * cells; counts clipped ones."""
        return sum(self._execute(self.instructions[number], x, y) for number in range(first, last))

    def _execute(self, record: np.void, x: NDArray[np.int8 | np.uint8], y: NDArray[np.int32]) -> int:
        k, rows, n, columns = (int(record[field]) for field in ("k", "rows", "n", "columns"))
        shift, limit = int(record["adc_shift"]), (1 << int(record["adc_bits"])) - 1
        programmed = list(self._programmed(record))
        slices = self._slices(record, programmed)
        planes = digits(self.dac_bits, signed=x.dtype == np.int8)
        clipped = 0
        for vector in range(len(x)):
            inputs = _input_bits(x[vector, k : k + rows].tobytes())
            totals = [0] * columns
            for plane, input_bits in planes:
                for significance, cell_bits in slices:
                    sums = [0] * columns
                    for i, bit in enumerate(input_bits):
                        for j, column_bits in enumerate(cell_bits):
                            active, weight = inputs[bit], i + j
                            sums = [s + ((active & c).bit_count() << weight) for s, c in zip(sums, column_bits)]
                    codes = [s + (1 << shift >> 1) >> shift for s in sums]  # N7
                    clipped += sum(code > limit for code in codes)
                    weight = plane * significance
                    totals = [t + weight * (min(c, limit) << shift) for t, c in zip(totals, codes)]
            if self.cells.excess:
                active_sums = {mask: _sum(inputs, mask, x.dtype == np.int8) for mask in set(programmed)}
                totals = [t - self.cells.excess * active_sums[mask] for t, mask in zip(totals, programmed)]
            for column, total in enumerate(totals):
                y[vector, n + column] = _wrap(int(y[vector, n + column]) + total)
        return clipped

    def _programmed(self, record: np.void) -> Iterator[int]:
        """For every addressed column the rows that hold a weight (N6)."""
        row, rows, column = int(record["row"]), int(record["rows"]), int(record["column"])
        for c in range(column, column + int(record["columns"])):
            mask = 0
            for first_row, first_column, height, width in self.tiles.get(int(record["array"]), []):
                if first_column <= c < first_column + width:
                    top, bottom = max(first_row, row), min(first_row + height, row + rows)
                    if top < bottom:
                        mask |= (1 << bottom - top) - 1 << row + rows - bottom
            yield mask

    def _slices(self, record: np.void, programmed: list[int]) -> list[tuple[int, list[list[int]]]]:
        """For every slice its significance and, for every bit of its cells, the bit vectors of the columns."""
        row, rows, column = int(record["row"]), int(record["rows"]), int(record["column"])
        rectangle = self.arrays[record["array"], row : row + rows, column : column + len(programmed)]
        columns = [rectangle[:, c].tobytes() for c in range(len(programmed))]
        return [
            (
                significance,
                [[int(c.translate(bit), 2) & p for c, p in zip(columns, programmed)] for bit in bits],
            )
            for significance, bits in self.cells.slices
        ]


def _input_bits(data: bytes) -> list[int]:
    """For every bit of a byte the inputs that have it set."""
    return [int(data.translate(_INPUT_READERS[bit]), 2) for bit in range(8)]


_INPUT_READERS = [_bit_reader(lambda value: value, bit) for bit in range(8)]


def _sum(inputs: list[int], mask: int, signed: bool) -> int:
    """The sum of the inputs in the rows of a mask."""
    counts = [(bits & mask).bit_count() for bits in inputs]
    return sum(count << bit for bit, count in enumerate(counts)) - (counts[7] << 8 if signed else 0)


def _wrap(value: int) -> int:
    """The int32 that a value wraps around to (N8)."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)
