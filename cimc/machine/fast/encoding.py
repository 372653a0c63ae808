"""How weights become cells and inputs become planes, as the fast engine uses it: fields of the bits of a code."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = 8
"""Bits of a weight and of an input."""


@dataclass(frozen=True)
class Fields:
    """Digits of a code: digit i is the `widths[i]` bits from bit `firsts[i]` on, worth `significances[i]` a unit."""

    firsts: NDArray[np.int64]
    widths: NDArray[np.int64]
    significances: NDArray[np.int64]


def fields(bits_per_digit: int, signed: bool) -> Fields:
    """The digits of a byte; a sign bit is a digit of its own, worth -128."""
    unsigned_bits = BITS - signed
    lows = range(0, unsigned_bits, bits_per_digit)
    digits = [(low, min(bits_per_digit, unsigned_bits - low), 1 << low) for low in lows]
    return _fields([*digits, (BITS - 1, 1, -1 << (BITS - 1))] if signed else digits)


def input_fields(dac_bits: int, signed: bool) -> Fields:
    """The planes of an input: 8 / dac_bits of them, and one more for the sign if `signed` and dac_bits > 1 (N1, N2)."""
    return fields(dac_bits, signed)


def cell_fields(encoding: str, cell_bits: int) -> Fields:
    """The slices of a weight, as digits of its code (see `weight_codes`)."""
    slices = fields(cell_bits, encoding == "twos-complement")
    if encoding != "differential":
        return slices
    return Fields(
        np.concatenate([slices.firsts, slices.firsts + BITS]),
        np.concatenate([slices.widths, slices.widths]),
        np.concatenate([slices.significances, -slices.significances]),
    )


def code_bits(encoding: str) -> int:
    """Bits of a weight's code: 8, or 16 where positive and negative magnitudes have cells of their own."""
    return 2 * BITS if encoding == "differential" else BITS


def weight_codes(encoding: str) -> NDArray[np.uint16]:
    """The bits that the cells of a weight hold together (N3, N4, N5); indexed by the weight as an unsigned byte."""
    weight = np.arange(256).astype(np.uint8).view(np.int8).astype(np.int64)
    if encoding == "differential":
        return (np.maximum(weight, 0) | np.maximum(-weight, 0) << BITS).astype(np.uint16)
    return (weight + excess(encoding) & 0xFF).astype(np.uint16)


def excess(encoding: str) -> int:
    """What the cells of a programmed weight are worth more than the weight."""
    return 128 if encoding == "offset" else 0


def _fields(digits: list[tuple[int, int, int]]) -> Fields:
    firsts, widths, significances = np.array(digits, np.int64).T
    return Fields(firsts.copy(), widths.copy(), significances.copy())
