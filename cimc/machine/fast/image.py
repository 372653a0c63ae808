"""What the fast engine keeps of the cells: those of all pieces, packed in the order in which they are executed.

Cells are packed as bytes where a piece is exact (products.py), else as bits (bit_blocks.py, or
bit_counts.py where there are few rows).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import int64, uint32
from numpy.typing import NDArray

from cimc.machine.fast import bit_counts
from cimc.machine.fast.bit_blocks import Digits, aligned, pack_bits, row_words
from cimc.machine.fast.compiled import kept
from cimc.machine.fast.encoding import Fields, cell_fields, code_bits, excess, weight_codes
from cimc.machine.fast.lanes import LANES, Words
from cimc.machine.fast.pieces import PIECE, Pieces, divide
from cimc.machine.fast.products import FOUR_BLOCKS
from cimc.program.mapped import release
from cimc.program.program import Program
from cimc.program.records import Opcode, Records
from cimc.program.verifier import programmed_cells, tiles_by_array

_RELEASED_TOGETHER = 256
"""Arrays that are read before the memory of a mapped file is given back."""


@dataclass(frozen=True)
class Image:
    """Packed pieces. `bounds[i]` to `bounds[i + 1]` are the pieces of record i; `work` adds up their cells."""

    pieces: Pieces
    bounds: NDArray[np.int64]
    work: NDArray[np.int64]
    words: Words
    column_sums: Words

    @cached_property
    def is_exact(self) -> bool:
        """Whether no conversion can clip, so that all pieces are products of integers."""
        return bool(self.pieces["exact"].all())


class Packer:
    """Makes images of a program's cells."""

    def __init__(self, program: Program) -> None:
        self.chip = program.chip
        self.arrays = program.arrays.view()
        self.arrays.flags.writeable = False  # mapped files are; one type is one compilation
        self.tiles = program.tiles
        self.members = tiles_by_array(program.tiles, len(program.arrays))
        self.fields = cell_fields(self.chip.encoding, self.chip.cell_bits)
        self.slices = digits(self.fields)
        self.slices = self.slices[np.argsort(-self.slices[:, 1], kind="stable")]
        self.table = weight_codes(self.chip.encoding)
        self.programmed = code_bits(self.chip.encoding)

    def pack(self, records: Records) -> Image:
        """The image of records, of which only MULTIPLY records have pieces."""
        pieces = self._divide(records)
        sizes, sums = self._sizes(pieces)
        same, original = _first_equals(pieces)
        for name, lengths in (("first", sizes), ("sums", sums)):
            positions = np.concatenate([[0], np.cumsum(np.where(original, lengths, 0))])
            pieces[name] = positions[:-1][same]
        image = Image(
            pieces,
            np.searchsorted(pieces["record"], np.arange(len(records) + 1)),
            np.concatenate([[0], np.cumsum(pieces["rows"].astype(np.int64) * pieces["columns"])]),
            aligned(int(sizes[original].sum())),
            np.zeros(int(sums[original].sum()), np.uint32),
        )
        self._fill(image, np.flatnonzero(original))
        return image

    def _divide(self, records: Records) -> Pieces:
        """The pieces of all records, in their order."""
        parts = [np.zeros(0, PIECE)]
        multiplies = np.flatnonzero(records["op"] == Opcode.MULTIPLY)
        for array, numbers in self._by_array(multiplies, records["array"]):
            codes = self._codes(array)
            pieces = divide(records, numbers, codes, self.fields, self.chip.dac_bits)
            pieces["few"] = pieces["rows"] <= bit_counts.FEW_ROWS
            pieces["whole"] = self._are_whole(codes, pieces) if excess(self.chip.encoding) else 1
            parts.append(pieces)
        pieces = np.concatenate(parts)
        return pieces[np.argsort(pieces["record"], kind="stable")]

    def _are_whole(self, codes: NDArray[np.uint16], pieces: Pieces) -> NDArray[np.bool_]:
        """Whether all cells are programmed, and where bits are counted, columns fill their blocks."""
        filled = (pieces["few"] == 0) | (pieces["columns"] % LANES == 0)
        return _are_programmed(codes, 1 << self.programmed, pieces) & filled

    def _sizes(self, pieces: Pieces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many words the cells of each piece take, and the sums of its columns."""
        columns = -(-pieces["columns"].astype(np.int64) // LANES) * LANES
        rows = pieces["rows"].astype(np.int64)
        exact, widths = pieces["exact"] == 1, tuple(self.slices[:, 1].tolist())
        bits = sum(widths) + (pieces["whole"] == 0)
        forms, form = np.unique(pieces[["columns", "whole"]], return_inverse=True)
        words = np.array([row_words(columns, widths, bool(whole)) for columns, whole in forms.tolist()], np.int64)
        converted = (rows + 1) * words[form.reshape(-1)] if len(forms) else rows
        counted = bit_counts.counted_words(rows, columns, bits)
        converted = np.where(pieces["few"] == 1, -(-counted // LANES) * LANES, converted)
        exact_words = -(-columns * -(-rows // 4) // LANES) * LANES
        return np.where(exact, exact_words, converted), np.where(exact, columns, 0)

    def _fill(self, image: Image, numbers: NDArray[np.intp]) -> None:
        for array, chosen in self._by_array(numbers, image.pieces["array"]):
            pieces = image.pieces[chosen]
            pack_bytes(self.arrays[array], pieces, image.words.view(np.uint8), image.column_sums)
            if not pieces["exact"].all():
                codes = self._codes(array)
                bit_counts.pack_words(codes, pieces, self.slices, self.programmed, image.words)
                pack_bits(codes, pieces, self.slices, self.programmed, image.words)

    def _by_array(
        self, numbers: NDArray[np.intp], array_of: NDArray[np.uint32]
    ) -> Iterator[tuple[int, NDArray[np.intp]]]:
        """The numbers, divided by the array that each belongs to; what is read of a file is given back soon."""
        ordered = numbers[np.argsort(array_of[numbers], kind="stable")]
        parts = np.split(ordered, np.flatnonzero(np.diff(array_of[ordered])) + 1)
        for count, part in enumerate(part for part in parts if len(part)):
            yield int(array_of[part[0]]), part
            if count % _RELEASED_TOGETHER == _RELEASED_TOGETHER - 1:
                release(self.arrays)
        release(self.arrays)

    def _codes(self, array: int) -> NDArray[np.uint16]:
        """What the cells of an array hold; in the offset encoding also whether they are programmed (N6)."""
        codes = self.table[self.arrays[array].view(np.uint8)]
        if excess(self.chip.encoding):
            programmed = programmed_cells(self.tiles[self.members[array]], *codes.shape)
            return (codes | np.uint16(1 << self.programmed)) * programmed
        return codes


def digits(fields: Fields) -> Digits:
    """The fields as compiled loops take them."""
    return np.stack([fields.firsts, fields.widths, fields.significances], axis=1)


def _first_equals(pieces: Pieces) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """For each piece the first one with the same cells packed in the same way, and whether that is itself."""
    names = ("array", "row", "rows", "column", "columns", "exact")
    keys = np.stack([pieces[name].astype(np.int64) for name in names], axis=1)
    _, firsts, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    same = firsts[inverse.reshape(-1)]
    return same, same == np.arange(len(pieces))


@kept
def _are_programmed(codes: NDArray[np.uint16], programmed: int, pieces: Pieces) -> NDArray[np.bool_]:
    """Whether all cells of each piece are programmed."""
    result = np.zeros(len(pieces), np.bool_)
    for i in range(len(pieces)):
        row, column = int64(pieces[i]["row"]), int64(pieces[i]["column"])
        rows, columns = int64(pieces[i]["rows"]), int64(pieces[i]["columns"])
        count = 0
        for r in range(row, row + rows):
            for c in range(column, column + columns):
                count += (codes[r, c] & programmed) != 0
        result[i] = count == rows * columns
    return result


@kept
def pack_bytes(cells: NDArray[np.int8], pieces: Pieces, image: NDArray[np.uint8], column_sums: Words) -> None:
    """Packs the exact pieces of one array [rows, columns]: words of four rows, for 16 or 64 columns in turn."""
    for i in range(len(pieces)):
        if not pieces[i]["exact"]:
            continue
        row, column = int64(pieces[i]["row"]), int64(pieces[i]["column"])
        rows, columns = int64(pieces[i]["rows"]), int64(pieces[i]["columns"])
        position, fours, start = pieces[i]["first"], (rows + 3) // 4, 0
        while start < columns:
            width = FOUR_BLOCKS if columns - start > 3 * LANES else LANES
            for r in range(rows):
                place = 4 * (position + r // 4 * width) + r % 4
                for c in range(min(width, columns - start)):
                    value = cells[row + r, column + start + c]
                    image[place + 4 * c] = np.uint8(value)
                    column_sums[pieces[i]["sums"] + start + c] += uint32(value)
            position += fours * width
            start += width
