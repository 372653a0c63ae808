"""Monarch products that keep what a layer computes on given inputs, rather than its weights.

Inputs x [n, in] enter by their second moment C = x^T x / n. With E = W - M, the mean squared error of the outputs is
tr(E^T C E). It couples the slices of one output block, but as a function of one slice alone it has a closed-form
minimum: so block coordinate descent, from the closed form of `monarch_projection`, one input block after the other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from passes.project_monarch.analysis.monarch_choice import Choice, candidates, front
from passes.project_monarch.analysis.monarch_projection import (
    Blocking,
    Doubles,
    balanced,
    factor_type,
    factors,
    nearest,
    project,
    ratio,
    relative_error,
    residuals,
    slice_factors,
)

Array = npt.NDArray[Any]

SWEEPS = 3
"""Twelve brought a trained layer only a tenth nearer than three."""

DAMPING = 1e-2
"""Costs nothing measurable on the inputs of the calibration, and brings others up to 5 % nearer than none does."""


@dataclass(frozen=True)
class Calibrated:
    """Factors, and their relative errors: of the weights, and of the outputs on the inputs of the calibration."""

    w1: Array
    w2: Array
    weight_error: float
    output_error: float
    closed_form_output_error: float


def output_error(matrix: Array, w1: Array, w2: Array, covariance: Array) -> float:
    """Root of the mean of `|x (W - M)|^2` over that of `|x W|^2`, for inputs with this second moment [in, in]."""
    _check(matrix, covariance)
    rest = np.concatenate(list(residuals(matrix, w1, w2)))
    return ratio(_output_energy(rest, covariance), _output_energy(matrix, covariance))


def project_calibrated(matrix: Array, covariance: Array, into: Blocking) -> Calibrated:
    """Factors as `project` has them, whose outputs are nearer to those of `matrix` [in, out], never farther.

    `covariance` is the second moment [in, in] of the inputs (passes/rewriting/calibration/moments.py). `DAMPING` times
    the mean of its diagonal is added to its diagonal: inputs that calibration never saw keep weights near their own.
    Expect a greater output error on other inputs than on these: to know it, hold some back and ask `output_error`.
    Errors: ValueError as from `project`, or if the covariance is not finite or has another shape.
    """
    _check(matrix, covariance)
    closed = project(matrix, into)
    closed_error = output_error(matrix, *closed, covariance)
    best, error = closed, closed_error
    if closed_error > 0:
        descended = _descended(matrix, covariance.astype(np.float64), into, closed)
        descended_error = output_error(matrix, *descended, covariance)
        if descended_error < error:
            best, error = descended, descended_error
    return Calibrated(*best, relative_error(matrix, *best), error, closed_error)


def choose_calibrated(matrix: Array, covariance: Array, budget: float) -> tuple[Blocking, Calibrated] | None:
    """A cheap blocking whose calibrated outputs have a relative error of at most `budget`; None if none is found.

    Searched by halving among those blockings to which no cheaper one is closer in the weights, so a handful of
    projections suffices; the budget is kept by what is returned, though it need not be the cheapest that could.
    """
    shapes: list[Choice] = front(matrix, candidates(*matrix.shape))
    cheapest: tuple[Blocking, Calibrated] | None = None
    low, high = 0, len(shapes)
    while low < high:
        middle = (low + high) // 2
        shape = shapes[middle].blocking
        result = project_calibrated(matrix, covariance, shape)
        if result.output_error <= budget:
            cheapest, high = (shape, result), middle
        else:
            low = middle + 1
    return cheapest


_TOGETHER = 1024
"""Vectors, or columns of a matrix, that are worked on at a time."""


def _descended(matrix: Array, covariance: Doubles, into: Blocking, start: tuple[Array, Array]) -> tuple[Array, Array]:
    """Factors after `SWEEPS` sweeps over the input blocks.

    For the slices M of input block a, all else fixed, tr(E^T C E) = |G^T M - X|^2 + constant, where C[a, a] = G G^T,
    X = G^-1 D and D = C[a, :] E + C[a, a] M, this E still with the old M. So G^T M is the truncated X.
    """
    core = into.trimmed(*matrix.shape)
    left, right = (part.astype(np.float64) for part in slice_factors(*start))
    left, right = left[: core.blocks_in], right[: core.blocks_in, :, :, : core.columns]
    moment = _padded(covariance, core.inputs, core.inputs)
    floor = DAMPING * np.trace(covariance) / len(covariance)
    moment[np.diag_indices_from(moment)] += floor
    shape = (core.blocks_in, core.rows, core.columns, core.blocks_out)
    rest = _padded(matrix, core.inputs, core.outputs).reshape(shape).transpose(0, 1, 3, 2).copy()
    rest -= (left @ right).transpose(0, 2, 1, 3)
    roots = [_roots(moment, a, core.rows, floor) for a in range(core.blocks_in)]
    for _ in range(SWEEPS):
        for a, (root, inverse) in enumerate(roots):
            rows = moment[a * core.rows : (a + 1) * core.rows]
            old = left[a] @ right[a]
            pull = (rows @ rest.reshape(core.inputs, -1)).reshape(core.rows, core.blocks_out, core.columns)
            target = inverse @ pull.transpose(1, 0, 2) + root.T @ old
            whitened, right[a] = nearest(target, core.rank)
            left[a] = inverse.T @ whitened
            rest[a] += (old - left[a] @ right[a]).transpose(1, 0, 2)
    return _into(into, *balanced(left, right), factor_type(matrix))


def _roots(moment: Doubles, block: int, rows: int, floor: float) -> tuple[Doubles, Doubles]:
    """G and its inverse, of the diagonal block of the damped moment; no eigenvalue is below `floor` but by rounding."""
    here = slice(block * rows, (block + 1) * rows)
    values, vectors = np.linalg.eigh(moment[here, here])
    scales = np.sqrt(np.maximum(values, floor))
    return vectors * scales, (vectors / scales).T


def _into(into: Blocking, left: Doubles, right: Doubles, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Factors of the whole blocking from those without padding."""
    whole_left = np.zeros((into.blocks_in, into.blocks_out, into.rows, into.rank), dtype)
    whole_right = np.zeros((into.blocks_in, into.blocks_out, into.rank, into.columns), dtype)
    whole_left[: len(left)] = left
    whole_right[: len(right), :, :, : right.shape[-1]] = right
    return factors(whole_left, whole_right)


def _padded(matrix: Array, rows: int, columns: int) -> Doubles:
    result = np.zeros((rows, columns))
    result[: len(matrix), : matrix.shape[1]] = matrix
    return result


def _output_energy(matrix: Array, covariance: Array) -> float:
    """tr(W^T C W); not below 0."""
    moment = covariance.astype(np.float64, copy=False)
    total = 0.0
    for first in range(0, matrix.shape[1], _TOGETHER):
        part = matrix[:, first : first + _TOGETHER].astype(np.float64)
        total += float(np.vdot(part, moment @ part))
    return max(0.0, total)


def _check(matrix: Array, covariance: Array) -> None:
    if covariance.shape != (len(matrix), len(matrix)):
        shape, expected = "x".join(map(str, covariance.shape)), f"{len(matrix)}x{len(matrix)}"
        raise ValueError(f"second moment of inputs of shape {shape}: expected {expected}, as the weight has rows")
    if not np.isfinite(covariance).all():
        raise ValueError("second moment of inputs holds values that are not finite: check the calibration inputs")
