"""How pieces whose conversions may clip are packed, as bits; imported for programs that have some.

What it stands on imports numba, which programs without a loss need not wait for.
"""

import numpy as np
from numpy.typing import NDArray

from cimc.machine.fast import bit_counts
from cimc.machine.fast.bit_blocks import pack_bits, row_words
from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.words import LANES, Digits, Words


def mark_few(pieces: Pieces) -> None:
    """Tells which pieces have so few rows that bits are counted: there, blocks are full or not whole."""
    pieces["few"] = pieces["rows"] <= bit_counts.FEW_ROWS
    pieces["whole"] &= (pieces["few"] == 0) | (pieces["columns"] % LANES == 0)


def converted_words(pieces: Pieces, slices: Digits) -> NDArray[np.int64]:
    """How many words the cells of each piece take."""
    rows, columns = pieces["rows"].astype(np.int64), -(-pieces["columns"].astype(np.int64) // LANES) * LANES
    widths = tuple(slices[:, 1].tolist())
    bits = sum(widths) + (pieces["whole"] == 0)
    forms, form = np.unique(pieces[["columns", "whole"]], return_inverse=True)
    words = np.array([row_words(columns, widths, bool(whole)) for columns, whole in forms.tolist()], np.int64)
    counted = bit_counts.counted_words(rows, columns, bits)
    return np.where(pieces["few"] == 1, -(-counted // LANES) * LANES, (rows + 1) * words[form.reshape(-1)])


def pack_clipping(codes: NDArray[np.uint16], pieces: Pieces, slices: Digits, programmed: int, image: Words) -> None:
    """Packs the pieces of one array, of whose `codes` bit `programmed` tells what its name says."""
    bit_counts.pack_words(codes, pieces, slices, programmed, image)
    pack_bits(codes, pieces, slices, programmed, image)
