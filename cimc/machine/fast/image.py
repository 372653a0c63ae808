"""What the fast engine keeps of the cells: those of all pieces, packed in the order in which they are executed.

Cells are packed as bytes where a piece is exact (products.py), else as bits (bit_blocks.py, or
bit_counts.py where there are few rows).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast import bit_counts
from cimc.machine.fast.bit_blocks import Digits, aligned, pack_bits, row_words
from cimc.machine.fast.cell_sums import look_at_cells
from cimc.machine.fast.compiled import kept
from cimc.machine.fast.encoding import Fields, cell_fields, code_bits, excess, weight_codes
from cimc.machine.fast.lanes import LANES, Words
from cimc.machine.fast.pieces import Pieces, decided, groups_of
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
        self.sorted_tiles = program.tiles[np.argsort(program.tiles[:, 1], kind="stable")].astype(np.int64)
        self.excess, self.differential = excess(self.chip.encoding), self.chip.encoding == "differential"
        self.slices = digits(cell_fields(self.chip.encoding, self.chip.cell_bits))
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
        groups = groups_of(records, np.flatnonzero(records["op"] == Opcode.MULTIPLY))
        largest, whole = np.zeros(len(groups), np.int64), np.zeros(len(groups), np.bool_)
        for chosen in self._together(groups):
            part, sums, programmed = groups[chosen], largest[chosen], whole[chosen]
            look_at_cells(
                self.arrays, self.sorted_tiles, self.excess, self.differential, self.slices, part, sums, programmed
            )
            largest[chosen], whole[chosen] = sums, programmed
        pieces = decided(groups, largest, whole, self.chip.dac_bits)
        pieces["few"] = pieces["rows"] <= bit_counts.FEW_ROWS
        filled = (pieces["few"] == 0) | (pieces["columns"] % LANES == 0)  # where bits are counted, blocks are full
        pieces["whole"] = pieces["whole"] & filled if self.excess else 1
        return pieces

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
        for chosen in self._together(image.pieces, numbers):
            pieces = image.pieces[chosen]
            pack_bytes(self.arrays, pieces, image.words, image.column_sums)
            clipping = pieces[pieces["exact"] == 0]
            for part in np.split(clipping, np.flatnonzero(np.diff(clipping["array"])) + 1):
                if len(part):
                    codes = self._codes(int(part["array"][0]))
                    bit_counts.pack_words(codes, part, self.slices, self.programmed, image.words)
                    pack_bits(codes, part, self.slices, self.programmed, image.words)

    def _together(self, pieces: Pieces, numbers: NDArray[np.intp] | None = None) -> Iterator[NDArray[np.intp]]:
        """The numbers of pieces by array, those of some arrays at a time; what is read of a file is given back soon."""
        numbers = np.arange(len(pieces)) if numbers is None else numbers
        ordered = numbers[np.argsort(pieces["array"][numbers], kind="stable")]
        arrays = np.cumsum(np.diff(pieces["array"][ordered], prepend=0) != 0)
        for part in np.split(ordered, np.flatnonzero(np.diff(arrays // _RELEASED_TOGETHER)) + 1):
            if len(part):
                yield part
                release(self.arrays)

    def _codes(self, array: int) -> NDArray[np.uint16]:
        """What the cells of an array hold; in the offset encoding also whether they are programmed (N6)."""
        codes = self.table[self.arrays[array].view(np.uint8)]
        if self.excess:
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
def pack_bytes(cells: NDArray[np.int8], pieces: Pieces, image: Words, column_sums: Words) -> None:
    """Packs exact pieces of arrays [arrays, rows, columns]: words of four rows, for 16 or 64 columns in turn."""
    for i in range(len(pieces)):
        if not pieces[i]["exact"]:
            continue
        row, rows = int64(pieces[i]["row"]), int64(pieces[i]["rows"])
        array, column, columns = int64(pieces[i]["array"]), int64(pieces[i]["column"]), int64(pieces[i]["columns"])
        position, sums, start = int64(pieces[i]["first"]), int64(pieces[i]["sums"]), 0
        while start < columns:
            width = FOUR_BLOCKS if columns - start > 3 * LANES else LANES
            count = min(width, columns - start)
            block = cells[array, row : row + rows, column + start : column + start + count]
            for r in range(0, rows, 4):
                _pack_four(block, r, image[position : position + count])
                position += width
            _add_columns(block, column_sums[sums + start : sums + start + count])
            start += width


@njit
def _pack_four(cells: NDArray[np.int8], r: int, words: Words) -> None:
    """Rows r to r + 3 as one row of words, the first one lowest; rows that are not there are 0."""
    if r + 4 <= cells.shape[0]:
        for c in range(len(words)):
            low = _byte(cells[r, c]) | _byte(cells[r + 1, c]) << uint32(8)
            high = _byte(cells[r + 2, c]) | _byte(cells[r + 3, c]) << uint32(8)
            words[c] = low | high << uint32(16)
        return
    for i in range(cells.shape[0] - r):
        for c in range(len(words)):
            words[c] |= _byte(cells[r + i, c]) << uint32(8 * i)


@njit(forceinline=True)
def _byte(cell: int) -> int:
    return uint32(cell) & uint32(255)


@njit
def _add_columns(cells: NDArray[np.int8], sums: Words) -> None:
    for r in range(cells.shape[0]):
        for c in range(len(sums)):
            sums[c] += uint32(cells[r, c])
