"""Error-compensated rounding (GPTQ, arXiv 2210.17323): what a row loses when it is rounded, later rows make good.

Inputs x enter by their second moment H, so the squared error of the outputs is tr(E^T H E) for an error E of the
weight. Rows are rounded one after the other, those with the largest inputs first; with H^-1 = U^T U in that order, U
upper triangular, the best that the rows j after row i can do about its error e is to change by -e U[i, j] / U[i, i].
Written here because libraries have it for networks of PyTorch, or round all of a matrix with one block of columns; it
is one Cholesky factor and a loop over rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passes.quantize.analysis.grids import Grid

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int8]

DAMPING = 3e-3
"""Of the mean of the moment's diagonal, added to it: inputs that calibration never saw keep weights near their own."""

_ROWS = 64
"""Rounded before later rows are brought up to date."""
_COLUMNS = 512
"""Rounded together; each is rounded as if it were alone."""


@dataclass(frozen=True)
class Compensated:
    """int8 `values` [rows, columns], and the squared errors of their outputs and of those of the nearest integers.

    `energy` is the mean square of the outputs of the weight itself.
    """

    values: Integers
    error: float
    nearest_error: float
    energy: float


def compensated(matrix: Array, grid: Grid, moment: Doubles) -> Compensated:
    """Integers of a `grid` of one block for a matrix [rows, columns], whose outputs are nearer than those of others.

    `moment` [rows, rows] is the second moment of the inputs, finite. Columns for which the nearest integers turn out
    better get these.
    """
    rows, columns = matrix.shape
    values, sums = np.empty((rows, columns), np.int8), np.zeros(3)
    steps = _Steps(moment)
    groups = np.floor_divide(np.arange(rows, dtype=np.int64), np.int64(grid.size))
    narrow = moment.astype(np.float32)
    for first in range(0, columns, _COLUMNS):
        here = slice(first, first + _COLUMNS)
        part = matrix[:, here].astype(np.float32)
        scales, low = grid.scales[0, groups, here], grid.low[0, groups, here].astype(np.float32)
        nearest = _rounded(part, scales, low, grid.levels)
        rounded = steps.rounded(part, scales, low, grid.levels)
        nearest_error, error = (_energies(q * scales - part, narrow) for q in (nearest, rounded))
        worse = error > nearest_error
        rounded[:, worse], error[worse] = nearest[:, worse], nearest_error[worse]
        values[:, here] = rounded
        sums += [total.sum(dtype=np.float64) for total in (error, nearest_error, _energies(part, narrow))]
    return Compensated(values, *(float(total) for total in sums))


def energies(matrix: Array, values: Integers, grid: Grid, moment: Doubles) -> tuple[float, float]:
    """The mean squares of what the outputs lose with these integers, and of the outputs; as for `compensated`."""
    rows, columns = matrix.shape
    lost = total = 0.0
    narrow = moment.astype(np.float32)
    groups = np.floor_divide(np.arange(rows, dtype=np.int64), np.int64(grid.size))
    for first in range(0, columns, _COLUMNS):
        here = slice(first, first + _COLUMNS)
        part = matrix[:, here].astype(np.float32)
        error = values[:, here] * grid.scales[0, groups, here] - part
        lost += float(_energies(error, narrow).sum(dtype=np.float64))
        total += float(_energies(part, narrow).sum(dtype=np.float64))
    return lost, total


class _Steps:
    """The order of the rows, and the factor of the damped moment's inverse in it."""

    def __init__(self, moment: Doubles) -> None:
        diagonal = np.diagonal(moment)
        self.order = np.argsort(-diagonal, kind="stable")
        damped = moment[np.ix_(self.order, self.order)]
        floor = DAMPING * diagonal.mean() or 1.0
        damped[np.diag_indices_from(damped)] += floor
        # H = R R^T with R upper triangular, so U = R^-1: from the lower factor of what is turned upside down
        root = np.linalg.cholesky(damped[::-1, ::-1])[::-1, ::-1]
        self.factor = np.triu(np.linalg.inv(root)).astype(np.float32)

    def rounded(self, matrix: Array, scales: Array, low: Array, levels: int) -> Array:
        """Integers, as float32, for float32 numbers [rows, columns] in steps of `scales`."""
        rows, columns = matrix.shape
        rest, factor = matrix[self.order], self.factor
        result = np.empty_like(rest)
        for start in range(0, rows, _ROWS):
            end = min(rows, start + _ROWS)
            lost = np.empty((end - start, columns), np.float32)
            for i in range(start, end):
                row, own = self.order[i], rest[i]
                if i > start:
                    own = own - factor[start:i, i] @ lost[: i - start]
                result[row] = _rounded(own, scales[row], low[row], levels)
                lost[i - start] = (own - result[row] * scales[row]) / factor[i, i]
            rest[end:] -= factor[start:end, end:].T @ lost
        return result


def _rounded(numbers: Array, scales: Array, low: Array, levels: int) -> Array:
    """The nearest integers, half to even, in float32."""
    steps = numbers / scales
    np.rint(steps, out=steps)
    return np.clip(steps, low, low + np.float32(levels), out=steps)


def _energies(error: Array, moment: Array) -> Array:
    """The mean square of the outputs of each column of an error; not below 0."""
    return np.maximum(np.einsum("rc,rc->c", error, moment @ error), 0)
