"""How an int8 weight stands in unsigned memory cells: one number per crossbar of the array's bank."""

from typing import Any

import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[np.uint8]


def cells_of(weights: npt.NDArray[np.int8], cell_bits: int, encoding: str) -> Cells:
    """Cells uint8 [slices, ..., rows, columns] of programmed weights [..., rows, columns], lowest slice first.

    `offset`: the digits of `w + 128`. `twos-complement`: the digits of `w`, with the sign bit in a slice of its own
    (for 1-bit cells the digits are the bits). `differential`: digits of `max(w, 0)`, then those of `max(-w, 0)`.
    """
    if encoding == "offset":
        return _digits((weights.view(np.uint8) ^ 0x80), cell_bits, 8)
    if encoding == "differential":
        wide = weights.astype(np.int16)
        halves = (np.maximum(wide, 0).astype(np.uint8), np.maximum(-wide, 0).astype(np.uint8))
        return np.concatenate([_digits(half, cell_bits, 8) for half in halves])
    bits = weights.view(np.uint8)
    if cell_bits == 1:
        return _digits(bits, 1, 8)
    sign = (bits >> 7).astype(np.uint8, copy=False)
    return np.concatenate([_digits(bits & 0x7F, cell_bits, 8), sign[None]])


def _digits(values: npt.NDArray[Any], width: int, bits: int) -> Cells:
    mask = np.uint8((1 << width) - 1)
    return np.stack([(values >> shift) & mask for shift in range(0, bits, width)]).astype(np.uint8, copy=False)
