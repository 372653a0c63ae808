"""What the fast engine keeps of the cells: those of all pieces, packed in the order in which they are executed.

Cells are packed as bytes where a piece is exact (byte_packing.py), else as bits (clipping.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cimc.machine.fast.encoding import OFFSET, slice_table, weight_codes
from cimc.machine.fast.loops import Loop
from cimc.machine.fast.pieces import LARGE_OFFSETS, OFFSETS, WEIGHTS, Pieces, decided, groups_of, with_offsets
from cimc.machine.fast.words import LANES, Words, aligned
from cimc.program.arrays.formats import first_offsets
from cimc.program.arrays.planes import largest_digits
from cimc.program.arrays.tiles import own_places
from cimc.program.mapped import release
from cimc.program.program import Program
from cimc.program.records import Opcode, Records

look_at_cells = Loop("cimc.machine.fast.cell_sums", "look_at_cells")
pack_bytes = Loop("cimc.machine.fast.byte_packing", "pack_bytes")
_RELEASED_TOGETHER = 256
"""Arrays that are read before the memory of a mapped file is given back."""
LARGEST = 128
"""The largest offset that is a byte, if its sign is changed."""


@dataclass(frozen=True)
class Image:
    """Packed pieces. `bounds[i]` to `bounds[i + 1]` are the pieces of record i; `work` adds up their cells."""

    pieces: Pieces
    bounds: NDArray[np.int64]
    work: NDArray[np.int64]
    words: Words
    column_sums: Words

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where each piece stops to read a vector: rows are read in fours."""
        return self.pieces["k"] + -(-self.pieces["rows"].astype(np.int64) // 4) * 4

    @cached_property
    def is_exact(self) -> bool:
        """Whether no conversion can clip, so that all pieces are products of integers."""
        return bool(self.pieces["exact"].all())


class Packer:
    """Makes images of a program's cells.

    `tiles` is int64 [tiles, TILE_FIELDS and the first of its offsets], sorted by array: one tile for each place.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.arrays = program.arrays
        self.offsets = program.offsets
        own = own_places(program.tiles)
        own = own[np.argsort(program.tiles[own, 1], kind="stable")]
        self.tiles = np.column_stack([program.tiles[own].astype(np.int64), first_offsets(program.tiles)[own]])
        self.bounds = np.searchsorted(self.tiles[:, 1], np.arange(len(self.arrays) + 1))
        self.table = slice_table(program.formats, program.chip.cell_bits)
        self.have_offsets = self.table.formats[:, 2] == OFFSET
        self.have_large = bool((self.offsets > LARGEST).any())

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
        groups["format"] = self.program.array_formats[groups["array"]]
        largest, columnwise = np.zeros(len(groups), np.int64), np.zeros(len(groups), np.bool_)
        room = np.empty(LANES, np.uint32), np.empty(self.arrays.shape[1:], np.uint8)
        for chosen in self._together(groups):
            part, sums, one_offset = groups[chosen], largest[chosen], columnwise[chosen]
            look_at_cells(
                self.arrays, self.tiles, self.offsets, self.table.slices, self.table.formats, part, sums, one_offset,
                *room,
            )  # fmt: skip
            largest[chosen], columnwise[chosen] = sums, one_offset
        pieces = decided(groups, largest, columnwise, largest_digits(records, self.program)[groups["record"]])
        if pieces["exact"].all():
            return pieces
        from cimc.machine.fast.clipping import mark_few  # imports numba

        mark_few(pieces)
        return with_offsets(pieces, self.have_offsets[pieces["format"]], self.have_large)

    def _sizes(self, pieces: Pieces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many words the cells of each piece take, and the sums of its columns."""
        columns = -(-pieces["columns"].astype(np.int64) // LANES) * LANES
        rows, exact = pieces["rows"].astype(np.int64), pieces["exact"] == 1
        words = -(-columns * -(-rows // 4) // LANES) * LANES
        if not exact.all():
            from cimc.machine.fast.clipping import converted_words  # imports numba

            words = np.where(exact, words, converted_words(pieces, self.table))
        return words, np.where(exact | (pieces["columnwise"] == 1), columns, 0)

    def _fill(self, image: Image, numbers: NDArray[np.intp]) -> None:
        for chosen in self._together(image.pieces, numbers):
            pieces = image.pieces[chosen]
            pack_bytes(self.arrays, pieces[pieces["part"] == WEIGHTS], image.words, image.column_sums)
            other = pieces[(pieces["exact"] == 0) | (pieces["part"] != WEIGHTS)]
            for part in np.split(other, np.flatnonzero(np.diff(other["array"])) + 1):
                if len(part):
                    self._fill_clipping(image, part)

    def _fill_clipping(self, image: Image, pieces: Pieces) -> None:
        """Packs pieces of one array that may clip, and offsets of its columns."""
        from cimc.machine.fast.clipping import pack_clipping  # imports numba

        array, number = int(pieces["array"][0]), int(pieces["format"][0])
        offsets = self._offsets(array) if self.have_offsets[number] else np.zeros(self.arrays.shape[1:], np.int16)
        clipping = pieces[pieces["exact"] == 0]
        codes = weight_codes(self.arrays[array], int(self.table.formats[number, 2]), offsets)
        pack_clipping(codes, clipping, self.table.of(number), image.words)
        for piece in clipping[clipping["columnwise"] == 1]:
            row, column, columns, place = (int(piece[name]) for name in ("row", "column", "columns", "sums"))
            image.column_sums[place : place + columns] = offsets[row, column : column + columns].astype(np.uint32)
        changed = [np.maximum(-offsets, -LARGEST), LARGEST - np.maximum(offsets, LARGEST)]
        for number, cells in zip((OFFSETS, LARGE_OFFSETS), changed, strict=True):
            own = pieces[pieces["part"] == number]
            own["array"] = 0
            pack_bytes(cells.astype(np.int8)[None], own, image.words, image.column_sums)

    def _together(self, pieces: Pieces, numbers: NDArray[np.intp] | None = None) -> Iterator[NDArray[np.intp]]:
        """The numbers of pieces by array, those of some arrays at a time; what is read of a file is given back soon."""
        numbers = np.arange(len(pieces)) if numbers is None else numbers
        ordered = numbers[np.argsort(pieces["array"][numbers], kind="stable")]
        arrays = np.cumsum(np.diff(pieces["array"][ordered], prepend=0) != 0)
        for part in np.split(ordered, np.flatnonzero(np.diff(arrays // _RELEASED_TOGETHER)) + 1):
            if len(part):
                yield part
                release(self.arrays)

    def _offsets(self, array: int) -> NDArray[np.int16]:
        """The offsets of the cells of an array; 0 where none is programmed (N6)."""
        offsets = np.zeros(self.arrays.shape[1:], np.int16)
        for _, _, row, column, rows, columns, _, _, first in self.tiles[self.bounds[array] : self.bounds[array + 1]]:
            offsets[row : row + rows, column : column + columns] = self.offsets[first : first + columns]
        return offsets


def _first_equals(pieces: Pieces) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """For each piece the first one with the same cells packed in the same way, and whether that is itself."""
    names = ("array", "row", "rows", "column", "columns", "exact", "part")
    keys = np.stack([pieces[name].astype(np.int64) for name in names], axis=1)
    _, firsts, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    same = firsts[inverse.reshape(-1)]
    return same, same == np.arange(len(pieces))
