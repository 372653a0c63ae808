"""Formats of arrays: how many bits a weight has there, how cells hold it, and the offsets of columns.

docs/numerics.md says what the encodings store (N3, N4, N5).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cimc.program.metadata import ENCODINGS, MAXIMAL_ARRAY_SIDE, Chip, Json, JsonObject

if TYPE_CHECKING:
    from cimc.program.program import Program  # which is made of formats

WEIGHT_BITS = range(2, 9)
"""How many bits a weight may have."""
MAXIMAL_FORMATS = 256
AUTO = "auto"
"""The encoding of a chip whose arrays have each its own."""
OFFSETS = range(-127, 256)
"""Numbers that a column may add to its weights: without them none of int8 becomes one of a cell of 0 to 255."""


@dataclass(frozen=True)
class Format:
    """Weights of `bits` bits (`WEIGHT_BITS`) in an encoding (`ENCODINGS`)."""

    bits: int
    encoding: str

    def slices(self, cell_bits: int) -> int:
        """Crossbars of an array, that is, cells of a weight (N3, N4, N5)."""
        if self.encoding == "twos-complement":
            return self.bits if cell_bits == 1 else -(-(self.bits - 1) // cell_bits) + 1
        cells = -(-self.bits // cell_bits)
        return 2 * cells if self.encoding == "differential" else cells

    @property
    def midpoint(self) -> int:
        """The offset of a column that has none of its own; 0 in encodings without offsets."""
        return 1 << self.bits - 1 if self.encoding == "offset" else 0

    def __str__(self) -> str:
        return f"{self.bits}-bit {self.encoding}"

    def to_json(self) -> dict[str, Json]:
        return asdict(self)

    @staticmethod
    def from_json(value: JsonObject) -> "Format":
        return Format(value.count("bits"), value.text("encoding"))


def usual_format(chip: Chip) -> Format:
    """The format of arrays of which nothing else is said: 8 bits, and the chip's encoding."""
    return Format(8, ENCODINGS[0] if chip.encoding == AUTO else chip.encoding)


def first_offsets(tiles: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where the offsets of each tile begin in `Program.offsets`, and behind the last of them where all end."""
    return np.concatenate([[0], np.cumsum(tiles[:, 5], dtype=np.int64)])


def midpoints(
    tiles: NDArray[np.int32],
    formats: Sequence[Format],
    array_formats: NDArray[np.uint8],
    columns: int = MAXIMAL_ARRAY_SIDE,
) -> NDArray[np.int16]:
    """`Program.offsets` where no column has one of its own, int16 [columns of all tiles].

    Arrays have so many `columns`; tiles that go beyond them, or have other numbers that mean nothing, are not verified
    yet: they must cost no memory.
    """
    if not tiles.size or not len(array_formats):
        return np.zeros(0, np.int16)
    of_format = np.array([format.midpoint for format in formats], np.int16)
    own = np.take(array_formats, tiles[:, 1], mode="clip")
    return np.repeat(np.take(of_format, own, mode="clip"), np.clip(tiles[:, 5], 0, columns))


def are_centred(program: "Program") -> NDArray[np.bool_]:
    """Of which tiles a column has another offset than the midpoint, bool [tiles]."""
    usual = midpoints(program.tiles, program.formats, program.array_formats)
    before = np.concatenate([[0], np.cumsum(program.offsets != usual)])
    ends = first_offsets(program.tiles)
    return before[ends[1:]] > before[ends[:-1]]


def slices_of(program: "Program") -> NDArray[np.int64]:
    """How many crossbars each array is made of, int64 [arrays]."""
    of_format = [format.slices(program.chip.cell_bits) for format in program.formats]
    return np.array(of_format, np.int64)[program.array_formats]


def crossbars(program: "Program") -> int:
    """How many crossbars all arrays of a program are made of."""
    return int(slices_of(program).sum())
