"""int8 weights: symmetric, one scale an output column."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def quantized_columns(matrix: Array) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """int8 values [in, out] and float32 scales [out] with `matrix[:, n] = values[:, n] * scales[n]`, nearly.

    `scales[n] = max |matrix[:, n]| / 127` (1 for a column of zeros), `values = round(matrix / scales)`, half to even.
    """
    matrix = matrix.astype(np.float32, copy=False)
    largest = np.maximum(matrix.max(axis=0, initial=0), -matrix.min(axis=0, initial=0))
    scales = (largest / np.float32(127)).astype(np.float32)
    scales[scales == 0] = 1
    values = np.empty(matrix.shape, np.int8)
    for first in range(0, len(matrix), _ROWS):
        part = matrix[first : first + _ROWS] / scales
        np.rint(part, out=part)
        np.clip(part, -127, 127, out=part)
        values[first : first + _ROWS] = part
    return values, scales


_ROWS = 1024
"""Rows quantised at a time, so that no second copy of a large matrix is made."""


def affine_range(low: float, high: float) -> tuple[np.float32, np.uint8]:
    """Scale and zero point of uint8 numbers that cover [low, high] and 0, as ONNX `DynamicQuantizeLinear` has them."""
    low32, high32 = np.float32(min(low, 0.0)), np.float32(max(high, 0.0))
    scale = (high32 - low32) / np.float32(255)
    if not scale > 0:
        return np.float32(1), np.uint8(0)
    return scale, np.uint8(np.clip(np.rint(-low32 / scale), 0, 255))
