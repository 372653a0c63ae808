"""What the fast engine keeps of the cells: those of all pieces, packed in the order in which they are executed.

Cells are packed as bytes where a piece is exact (byte_packing.py), else as bits (clipping.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cimc.machine.fast.encoding import Fields, cell_fields, code_bits, excess, weight_codes
from cimc.machine.fast.loops import Loop
from cimc.machine.fast.pieces import Pieces, decided, groups_of
from cimc.machine.fast.words import LANES, Digits, Words, aligned
from cimc.program.mapped import release
from cimc.program.program import Program
from cimc.program.records import Opcode, Records
from cimc.program.verifier import own_places, programmed_cells, tiles_by_array

look_at_cells = Loop("cimc.machine.fast.cell_sums", "look_at_cells")
pack_bytes = Loop("cimc.machine.fast.byte_packing", "pack_bytes")
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
    def ends(self) -> NDArray[np.int64]:
        """Where each piece stops to read a vector: rows are read in fours."""
        return self.pieces["k"] + -(-self.pieces["rows"].astype(np.int64) // 4) * 4

    @cached_property
    def is_exact(self) -> bool:
        """Whether no conversion can clip, so that all pieces are products of integers."""
        return bool(self.pieces["exact"].all())


class Packer:
    """Makes images of a program's cells."""

    def __init__(self, program: Program) -> None:
        self.chip = program.chip
        self.arrays = program.arrays
        self.tiles = program.tiles
        self.members = tiles_by_array(program.tiles, len(program.arrays))
        tiles = program.tiles[own_places(program.tiles)]
        self.sorted_tiles = tiles[np.argsort(tiles[:, 1], kind="stable")].astype(np.int64)
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
        room = np.empty(LANES, np.uint32), np.empty(self.arrays.shape[1:], np.uint8)
        for chosen in self._together(groups):
            part, sums, programmed = groups[chosen], largest[chosen], whole[chosen]
            look_at_cells(
                self.arrays, self.sorted_tiles, self.excess, self.differential, self.slices, part, sums, programmed,
                *room,
            )  # fmt: skip
            largest[chosen], whole[chosen] = sums, programmed
        pieces = decided(groups, largest, whole, self.chip.dac_bits)
        if not pieces["exact"].all():
            from cimc.machine.fast.clipping import mark_few  # imports numba

            mark_few(pieces)
        if not self.excess:
            pieces["whole"] = 1
        return pieces

    def _sizes(self, pieces: Pieces) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many words the cells of each piece take, and the sums of its columns."""
        columns = -(-pieces["columns"].astype(np.int64) // LANES) * LANES
        rows, exact = pieces["rows"].astype(np.int64), pieces["exact"] == 1
        words = -(-columns * -(-rows // 4) // LANES) * LANES
        if not exact.all():
            from cimc.machine.fast.clipping import converted_words  # imports numba

            words = np.where(exact, words, converted_words(pieces, self.slices))
        return words, np.where(exact, columns, 0)

    def _fill(self, image: Image, numbers: NDArray[np.intp]) -> None:
        for chosen in self._together(image.pieces, numbers):
            pieces = image.pieces[chosen]
            pack_bytes(self.arrays, pieces, image.words, image.column_sums)
            self._fill_clipping(image, pieces[pieces["exact"] == 0])

    def _fill_clipping(self, image: Image, pieces: Pieces) -> None:
        for part in np.split(pieces, np.flatnonzero(np.diff(pieces["array"])) + 1):
            if len(part):
                from cimc.machine.fast.clipping import pack_clipping  # imports numba

                codes = self._codes(int(part["array"][0]))
                pack_clipping(codes, part, self.slices, self.programmed, image.words)

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
