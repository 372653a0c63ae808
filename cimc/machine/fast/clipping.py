"""How pieces whose conversions may clip are packed, as bits; imported for programs that have some.

What it stands on imports numba, which programs without a loss need not wait for.
"""

import numpy as np
from numpy.typing import NDArray

from cimc.machine.fast import bit_counts
from cimc.machine.fast.bit_blocks import pack_bits, row_words
from cimc.machine.fast.encoding import SliceTable
from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.words import LANES, Digits, Words


def mark_few(pieces: Pieces) -> None:
    """Tells which pieces have so few rows that bits are counted."""
    pieces["few"] = pieces["rows"] <= bit_counts.FEW_ROWS


def converted_words(pieces: Pieces, table: SliceTable) -> NDArray[np.int64]:
    """How many words the cells of each piece take."""
    rows, columns = pieces["rows"].astype(np.int64), -(-pieces["columns"].astype(np.int64) // LANES) * LANES
    widths: list[tuple[int, ...]] = [tuple(table.of(number)[:, 1].tolist()) for number in range(len(table.formats))]
    forms, form = np.unique(pieces[["columns", "format"]], return_inverse=True)
    words = np.array([row_words(columns, widths[int(number)]) for columns, number in forms.tolist()], np.int64)
    bits = np.array([sum(own) for own in widths])[pieces["format"]]
    counted = bit_counts.counted_words(rows, columns, bits)
    return np.where(pieces["few"] == 1, -(-counted // LANES) * LANES, (rows + 1) * words[form.reshape(-1)])


def pack_clipping(codes: NDArray[np.uint16], pieces: Pieces, slices: Digits, image: Words) -> None:
    """Packs the pieces of one array, whose cells hold `codes`."""
    bit_counts.pack_words(codes, pieces, slices, image)
    pack_bits(codes, pieces, slices, image)
