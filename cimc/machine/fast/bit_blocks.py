"""How the cells of pieces with conversions lie in memory: one bit of 32 columns in a word, a row of words in a vector.

The words of a piece are those of its slices, widest first; column i * words + w of a slice is bit i of its word w. They
are cut into vectors of the widest kind, and what is left into narrow ones. A block has all rows of a vector, and one of
zeros behind them, for the lowest bit of the cells; then for the next one, as far as any slice in the vector has it.
"""

from functools import cache

import numpy as np
from numba import int64, njit, uint32
from numpy.typing import NDArray

from cimc.machine.fast.compiled import kept
from cimc.machine.fast.full_adders import WIDEST
from cimc.machine.fast.lanes import NARROW
from cimc.machine.fast.pieces import Pieces
from cimc.machine.fast.words import Digits, Words

COLUMNS = 32
"""Columns that share a word."""


def _vector_words(words: int) -> int:
    """How many words the next vector has if so many are left."""
    return WIDEST if words > NARROW else NARROW


vector_words = njit(_vector_words)
"""The same, for compiled loops."""


@cache
def row_words(columns: int, widths: tuple[int, ...]) -> int:
    """How many words the blocks of a piece have for each row; `widths` are those of the slices."""
    words, result, first = -(-columns // COLUMNS), 0, 0
    last = len(widths) * words
    while first < last:
        step = _vector_words(last - first)
        result += step * widths[first // words]
        first += step
    return result


@kept
def pack_bits(codes: NDArray[np.uint16], pieces: Pieces, slices: Digits, image: Words) -> None:
    """Packs the pieces of one array that full adders count."""
    for i in range(len(pieces)):
        if pieces[i]["exact"] or pieces[i]["few"]:
            continue
        row, column = int64(pieces[i]["row"]), int64(pieces[i]["column"])
        rows, columns = int64(pieces[i]["rows"]), int64(pieces[i]["columns"])
        _pack(codes[row : row + rows, column : column + columns], slices, int64(pieces[i]["first"]), image)


@njit
def _pack(codes: NDArray[np.uint16], slices: Digits, position: int, image: Words) -> None:
    """Packs the slices of codes [rows, columns] from `position` on."""
    rows, columns = codes.shape
    words = (columns + COLUMNS - 1) // COLUMNS
    total = len(slices) * words
    first = 0
    while first < total:
        step = vector_words(total - first)
        for bit in range(slices[first // words, 1]):
            for word in range(first, min(first + step, total)):
                s, w = word // words, word % words
                if bit < slices[s, 1]:
                    _pack_word(codes, w, words, slices[s, 0] + bit, image, position + word - first, step)
            position += (rows + 1) * step
        first += step


@njit
def _pack_word(codes: NDArray[np.uint16], w: int, words: int, bit: int, image: Words, position: int, step: int) -> None:
    """Packs one bit of columns w, w + words, ..., for all rows."""
    rows, columns = codes.shape
    for r in range(rows):
        value = uint32(0)
        for i in range((columns - w + words - 1) // words):
            value |= uint32(uint32(codes[r, i * words + w] >> bit & 1) << uint32(i))
        image[position + r * step] = value
