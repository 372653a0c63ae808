"""int8 weights: symmetric, one scale an output column."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def quantized_columns(
    matrix: Array, groups: npt.NDArray[np.int64] | None = None
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """int8 values and float32 scales with `matrix = values * scales`, nearly, one scale for each column.

    `matrix` is [in, out], or blocks [blocks, rows, columns] (then there are `blocks * columns` scales).
    `scale = max |column| / 127` (1 for a column of zeros), `values = round(matrix / scale)`, half to even (N12).
    Columns of a matrix that have the same number in `groups` have one scale, that of the largest of them.
    Raises OverflowError for a number that float32 has not: not a number, infinite or too large.
    """
    with np.errstate(over="ignore"):
        matrix = matrix.astype(np.float32, copy=False)
    largest = np.maximum(matrix.max(axis=-2, initial=0), -matrix.min(axis=-2, initial=0))
    if not np.isfinite(largest).all():
        raise OverflowError("numbers that float32 has not")
    if groups is not None:
        together = np.zeros_like(largest)
        np.maximum.at(together, groups, largest)
        largest = together[groups]
    scales = (largest / np.float32(127)).astype(np.float32)
    scales[scales == 0] = 1
    values = np.empty(matrix.shape, np.int8)
    rows = max(1, _TOGETHER // max(1, matrix.shape[-1]))
    for block in np.ndindex(matrix.shape[:-2]):
        for first in range(0, matrix.shape[-2], rows):
            here = (*block, slice(first, first + rows))
            part = matrix[here] / scales[block]
            np.rint(part, out=part)
            np.clip(part, -127, 127, out=part)
            values[here] = part
    return values, scales.reshape(-1)


_TOGETHER = 1 << 16
"""Numbers quantised at a time, which stay near the processor."""


def affine_range(low: float, high: float) -> tuple[np.float32, np.uint8]:
    """Scale and zero point of uint8 numbers that cover [low, high] and 0 (N13), as ONNX `DynamicQuantizeLinear` has."""
    low32, high32 = np.float32(min(low, 0.0)), np.float32(max(high, 0.0))
    scale = (high32 - low32) / np.float32(255)
    if not scale > 0:
        return np.float32(1), np.uint8(0)
    return scale, np.uint8(np.clip(np.rint(-low32 / scale), 0, 255))
