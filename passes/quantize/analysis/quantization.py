"""Weights of integers of a few bits, with scales for groups of rows of each column."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dialects.chip.formats import MOST_BITS
from passes.quantize.analysis.choices import FULL, Resolution
from passes.quantize.analysis.grids import Grid, largest_grid
from passes.quantize.analysis.least_error import least_error_grid

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Quantised:
    """int8 `values` that stand for a weight, in its shape, and the grid whose scales they are multiplied by.

    `error` is that of the numbers they stand for, relative to the weight (Frobenius norms); `largest_error` what it
    would be if the largest value of each group chose its scale, and each number its nearest integer. Both are 0, not
    measured, for 8 bits with a scale for each column. `output_error` is that of the products of calibration inputs,
    relative to them, and `nearest_output_error` what it would be if each number became its nearest integer.
    """

    values: npt.NDArray[np.int8]
    grid: Grid
    error: float
    largest_error: float
    output_error: float | None = None
    nearest_output_error: float | None = None


def quantised(
    matrix: Array,
    how: Resolution = FULL,
    tied: npt.NDArray[np.int64] | None = None,
    importance: Array | None = None,
    any_side: bool = False,
) -> Quantised:
    """`matrix` in integers: [in, out], or blocks [blocks, rows, columns]; each number becomes its nearest one (N12).

    With 8 bits, `scale = largest magnitude / 127`; with fewer, the scale of least error that is found.
    Columns of a matrix that have the same number in `tied` have one scale, and equal numbers equal integers.
    `importance` [blocks, rows] weighs what is lost of each row; `any_side` is that of `least_error_grid`.
    Raises OverflowError for a number that float32 has not: not a number, infinite or too large.
    """
    blocks = as_blocks(matrix)
    grid = largest = largest_grid(blocks, how, tied)
    if how.bits < MOST_BITS:
        grid = least_error_grid(blocks, how, tied, importance, any_side)
    values = grid.rounded(blocks)
    if how == FULL:
        return Quantised(values.reshape(matrix.shape), grid, 0.0, 0.0)
    error = relative_error(blocks, values, grid)
    largest_error = error if grid is largest else relative_error(blocks, largest.rounded(blocks), largest)
    return Quantised(values.reshape(matrix.shape), grid, error, largest_error)


def relative_error(blocks: Array, values: npt.NDArray[np.int8], grid: Grid) -> float:
    """The Frobenius norm of what is lost, relative to that of the weight; 0 for a weight of zeros."""
    lost = total = 0.0
    for here in grid.parts(blocks.shape):
        exact = blocks[here.rows].astype(np.float64)
        total += float(np.square(exact).sum())
        lost += float(np.square(exact - values[here.rows] * here.of(grid.scales).astype(np.float64)).sum())
    return float(np.sqrt(lost / total)) if total else 0.0


def as_blocks(matrix: Array) -> npt.NDArray[np.float32]:
    """A matrix [in, out], or blocks [blocks, rows, columns], as blocks of float32; too large is infinite."""
    with np.errstate(over="ignore"):
        blocks = matrix.astype(np.float32, copy=False)
    return blocks if blocks.ndim == 3 else blocks[None]


def affine_range(low: float, high: float, bits: int = MOST_BITS) -> tuple[np.float32, np.uint8]:
    """Scale and zero point of unsigned numbers of so many bits that cover [low, high] and 0 (N13).

    With 8 bits, as ONNX `DynamicQuantizeLinear` has them.
    """
    low32, high32, top = np.float32(min(low, 0.0)), np.float32(max(high, 0.0)), (1 << bits) - 1
    scale = (high32 - low32) / np.float32(top)
    if not scale > 0:
        return np.float32(1), np.uint8(0)
    return scale, np.uint8(np.clip(np.rint(-low32 / scale), 0, top))
