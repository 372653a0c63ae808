"""How weights become cells and inputs become planes, as the fast engine uses it: fields of the bits of a code."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.machine.fast.words import Digits
from cimc.program.arrays.formats import Format
from cimc.program.metadata import ENCODINGS

BITS = 8
"""Bits of a byte. The code of a weight has two: in the second are magnitudes of negative ones, if they are apart."""
OFFSET, DIFFERENTIAL = ENCODINGS.index("offset"), ENCODINGS.index("differential")


@dataclass(frozen=True)
class Fields:
    """Digits of a code: digit i is the `widths[i]` bits from bit `firsts[i]` on, worth `significances[i]` a unit."""

    firsts: NDArray[np.int64]
    widths: NDArray[np.int64]
    significances: NDArray[np.int64]


@dataclass(frozen=True)
class SliceTable:
    """The slices of all formats, as compiled loops take them; those of a format are the widest first.

    `formats` is int64 [formats, (first slice, slice behind the last, number of the encoding)].
    """

    slices: Digits
    formats: NDArray[np.int64]

    def of(self, number: int) -> Digits:
        """The slices of a format."""
        return self.slices[self.formats[number, 0] : self.formats[number, 1]]


def fields(bits_per_digit: int, signed: bool, bits: int = BITS) -> Fields:
    """The digits of a number of so many bits; a sign bit is a digit of its own, worth -2^(bits - 1)."""
    unsigned_bits = bits - signed
    lows = range(0, unsigned_bits, bits_per_digit)
    digits = [(low, min(bits_per_digit, unsigned_bits - low), 1 << low) for low in lows]
    return _fields([*digits, (bits - 1, 1, -1 << (bits - 1))] if signed else digits)


def input_fields(dac_bits: int, signed: bool, bits: int = BITS) -> Fields:
    """The planes of an input: one more, for the sign, if `signed` and dac_bits > 1 (N1, N2)."""
    return fields(dac_bits, signed, bits)


def cell_fields(format: Format, cell_bits: int) -> Fields:
    """The slices of a weight, as digits of its code (see `weight_codes`)."""
    slices = fields(cell_bits, format.encoding == "twos-complement", format.bits)
    if format.encoding != "differential":
        return slices
    return Fields(
        np.concatenate([slices.firsts, slices.firsts + BITS]),
        np.concatenate([slices.widths, slices.widths]),
        np.concatenate([slices.significances, -slices.significances]),
    )


def digits(fields: Fields) -> Digits:
    """The fields as compiled loops take them."""
    return np.stack([fields.firsts, fields.widths, fields.significances], axis=1)


def slice_table(formats: Sequence[Format], cell_bits: int) -> SliceTable:
    """The slices of formats in cells of so many bits."""
    parts = [digits(cell_fields(format, cell_bits)) for format in formats]
    parts = [part[np.argsort(-part[:, 1], kind="stable")] for part in parts]
    ends = np.cumsum([len(part) for part in parts])
    encodings = [ENCODINGS.index(format.encoding) for format in formats]
    return SliceTable(np.concatenate(parts), np.stack([ends - list(map(len, parts)), ends, encodings], axis=1))


def weight_codes(weights: NDArray[np.int8], encoding: int, offsets: NDArray[np.int16] | int = 0) -> NDArray[np.uint16]:
    """The bits that the cells of each weight hold together (N3, N4, N5).

    A digit of them is that of a weight of fewer bits too, if that is one.
    """
    if encoding == DIFFERENTIAL:
        wide = weights.astype(np.int16)
        return (np.maximum(wide, 0) | np.maximum(-wide, 0) << BITS).astype(np.uint16)
    return ((weights + np.int16(0) + offsets) & np.int16(0xFF)).astype(np.uint16)


def _fields(digits: list[tuple[int, int, int]]) -> Fields:
    firsts, widths, significances = np.array(digits, np.int64).T
    return Fields(firsts.copy(), widths.copy(), significances.copy())
