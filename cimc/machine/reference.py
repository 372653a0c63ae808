"""The reference engine: what MULTIPLY does, in plain Python integers, one record at a time.

This is the living definition of the instruction set and shares nothing with the fast engine. An integer used as a bit
vector holds one bit for every row of the row group, the first row at the top; `(inputs & cells).bit_count()` is then
the analog sum of one column for one bit of the inputs and one bit of the cells.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.formats import Format
from cimc.program.program import Program
from cimc.program.records import Records

Part = tuple[int, list[int]]
"""A digit of a byte: its significance, and the bits of the byte that it is made of, lowest first."""


def digits(bits_per_digit: int, signed: bool, bits: int = 8) -> list[Part]:
    """Cuts a number into digits; the sign bit is alone, because neither cells nor input lines hold negative digits.

    Of an input, the planes (N1, N2); of what cells hold, the slices.
    """
    if not signed:
        return _cut(bits, bits_per_digit)
    return [*_cut(bits - 1, bits_per_digit), (-1 << bits - 1, [bits - 1])]


def _cut(bits: int, width: int) -> list[Part]:
    return [(1 << low, list(range(low, min(low + width, bits)))) for low in range(0, bits, width)]


@cache
def _bit_reader(stored: str, offset: int, bit: int) -> bytes:
    """A table for bytes.translate: of what is `stored` for an int8, with an offset, the text digit of one bit."""
    number = _STORED[stored]
    return bytes(48 + (number(code - 256 if code > 127 else code) + offset >> bit & 1) for code in range(256))


_STORED: dict[str, Callable[[int], int]] = {
    "number": lambda number: number,
    "positive": lambda number: max(number, 0),
    "negative": lambda number: max(-number, 0),
}


def slices(format: Format, cell_bits: int) -> list[tuple[str, int, list[int]]]:
    """The slices of a weight (N3, N4, N5): what is stored, the significance, and its bits that are in the cells."""
    parts = digits(cell_bits, format.encoding == "twos-complement", format.bits)
    stored = [("number", 1)] if format.encoding != "differential" else [("positive", 1), ("negative", -1)]
    return [(name, sign * significance, bits) for name, sign in stored for significance, bits in parts]


class ReferenceEngine:
    """Executes MULTIPLY records, by default those of the program in its order."""

    def __init__(self, program: Program, records: Records | None = None) -> None:
        self.instructions = program.instructions if records is None else records
        self.arrays = program.arrays
        self.array_formats: list[int] = program.array_formats.tolist()
        self.slices = [slices(format, program.chip.cell_bits) for format in program.formats]
        self.tiles: dict[int, list[tuple[list[int], list[int]]]] = {}
        end = 0
        for _, array, *rectangle, _, _ in program.tiles.tolist():
            begin, end = end, end + rectangle[3]
            self.tiles.setdefault(array, []).append((rectangle, program.offsets[begin:end].tolist()))
        self.dac_bits = program.chip.dac_bits
        self.input_bits = {multiplication.y: multiplication.input_bits for multiplication in program.multiplications}
        self.copies = {made.y: program.weights[made.weight].copies for made in program.multiplications}

    def multiply(self, first: int, last: int, x: NDArray[np.int8 | np.uint8], y: NDArray[np.int32]) -> int:
        """Executes records first to last - 1 (I12): y [vectors, N] += x [vectors, K] * cells; counts clipped ones."""
        return sum(self._execute(self.instructions[number], x, y) for number in range(first, last))

    def _execute(self, record: np.void, x: NDArray[np.int8 | np.uint8], y: NDArray[np.int32]) -> int:
        k, rows, n, columns = (int(record[field]) for field in ("k", "rows", "n", "columns"))
        shift, limit, signed = int(record["adc_shift"]), (1 << int(record["adc_bits"])) - 1, x.dtype == np.int8
        programmed = list(self._programmed(record))
        slices = self._cells(record, programmed)
        planes = digits(self.dac_bits, signed, 8 if signed else self.input_bits[int(record["y"])])
        clipped = 0
        for vector in range(int(record["flags"]), len(x), self.copies[int(record["y"])]):  # I25
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
            active_sums = {mask: _sum(inputs, mask, signed) for tiles in programmed for mask, _ in tiles}
            for column, total in enumerate(totals):
                excess = sum(offset * active_sums[mask] for mask, offset in programmed[column])
                y[vector, n + column] = _wrap(int(y[vector, n + column]) + total - excess)
        return clipped

    def _programmed(self, record: np.void) -> Iterator[list[tuple[int, int]]]:
        """For every addressed column the rows that tiles program there, and the offsets of these tiles (N6)."""
        row, rows, column = int(record["row"]), int(record["rows"]), int(record["column"])
        for c in range(column, column + int(record["columns"])):
            masks: dict[int, int] = {}
            for (first_row, first_column, height, width), offsets in self.tiles.get(int(record["array"]), []):
                top, bottom = max(first_row, row), min(first_row + height, row + rows)
                if first_column <= c < first_column + width and top < bottom:
                    masks[(1 << bottom - top) - 1 << row + rows - bottom] = offsets[c - first_column]
            yield list(masks.items())

    def _cells(self, record: np.void, programmed: list[list[tuple[int, int]]]) -> list[tuple[int, list[list[int]]]]:
        """For every slice its significance and, for every bit of its cells, the bit vectors of the columns."""
        row, rows, column = int(record["row"]), int(record["rows"]), int(record["column"])
        rectangle = self.arrays[record["array"], row : row + rows, column : column + len(programmed)]
        columns = [rectangle[:, c].tobytes() for c in range(len(programmed))]
        return [
            (significance, [list(map(partial(_held, stored, bit), columns, programmed)) for bit in bits])
            for stored, significance, bits in self.slices[self.array_formats[int(record["array"])]]
        ]


def _held(stored: str, bit: int, column: bytes, tiles: list[tuple[int, int]]) -> int:
    """One bit of what the cells of a column hold, as a bit vector; tiles as rows, and their offset."""
    return sum(int(column.translate(_bit_reader(stored, offset, bit)), 2) & rows for rows, offset in tiles)


def _input_bits(data: bytes) -> list[int]:
    """For every bit of a byte the inputs that have it set."""
    return [int(data.translate(_INPUT_READERS[bit]), 2) for bit in range(8)]


_INPUT_READERS = [_bit_reader("number", 0, bit) for bit in range(8)]


def _sum(inputs: list[int], mask: int, signed: bool) -> int:
    """The sum of the inputs in the rows of a mask."""
    counts = [(bits & mask).bit_count() for bits in inputs]
    return sum(count << bit for bit, count in enumerate(counts)) - (counts[7] << 8 if signed else 0)


def _wrap(value: int) -> int:
    """The int32 that a value wraps around to (N8)."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)
