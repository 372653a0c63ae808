"""How weights stand in the cells of an array: bits of a weight, and the encoding of its sign."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Encoding: TypeAlias = Literal["offset", "twos-complement", "differential"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
OFFSET, TWOS_COMPLEMENT, DIFFERENTIAL = ENCODINGS
EncodingChoice: TypeAlias = Literal["offset", "twos-complement", "differential", "auto"]
AUTO: EncodingChoice = "auto"
"""Of a chip: each weight has the encoding that suits it best."""
FEWEST_BITS, MOST_BITS = 2, 8
"""Of a weight in an array."""
FEWEST_INPUT_BITS, MOST_INPUT_BITS = 4, 8
"""Of an unsigned input of an array."""


@dataclass(frozen=True)
class Format:
    """Bits of a weight (2 to 8) and the encoding of its sign: all weights of one array have the same.

    In encoding `offset` a cell stores the weight plus a number that belongs to its column, so that any span of
    `2^bits` numbers fits; in the others weights lie in `[-2^(bits - 1), 2^(bits - 1))`.
    """

    bits: int
    encoding: str

    @property
    def fault(self) -> str | None:
        """What is wrong with it; None if nothing is."""
        if not FEWEST_BITS <= self.bits <= MOST_BITS:
            return f"weights of {self.bits} bits: expected {FEWEST_BITS} to {MOST_BITS}"
        if self.encoding not in ENCODINGS:
            return f"encoding {self.encoding!r}: expected one of {', '.join(ENCODINGS)}"
        return None

    @property
    def text(self) -> str:
        """As a message says it."""
        return f"{self.bits} bits, {self.encoding}"

    def slices(self, cell_bits: int) -> int:
        """Crossbars of an array of this format, that is, cells of a weight.

        Two's complement keeps the sign bit in a 1-bit cell of its own, because a cell of several bits has one
        sign. Differential has cells for either sign, each with all bits of magnitude, since |-2^(bits - 1)| needs them.
        """
        if self.encoding == TWOS_COMPLEMENT:
            return self.bits if cell_bits == 1 else -(-(self.bits - 1) // cell_bits) + 1
        cells = -(-self.bits // cell_bits)
        return 2 * cells if self.encoding == DIFFERENTIAL else cells

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the greatest signed weight of so many bits: all there are but in encoding `offset`."""
        return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1


@dataclass(frozen=True)
class CellFormat:
    """The format of a weight's arrays and, in encoding `offset`, whether columns have offsets of their own that make
    the sums of their cells least, instead of the midpoint wherever it fits."""

    format: Format
    centred: bool = False

    @property
    def fault(self) -> str | None:
        """What is wrong with it; None if nothing is."""
        if self.format.fault is None and self.centred and self.format.encoding != OFFSET:
            return f"encoding {self.format.encoding!r} has no offsets that could be centred"
        return self.format.fault

    @property
    def text(self) -> str:
        """As a message says it."""
        return self.format.text + (" centred" if self.centred else "")
