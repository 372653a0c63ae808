"""The Monarch product nearest to a matrix, in closed form: each of its slices, cut down to a small rank.

A Monarch product of k input blocks, l output blocks and rank t is x[k*p] -> W1[k, p, q] -> W2[l, r, s] -> y[s*l] with
q = l*t and r = k*t, as `MonarchLinear` of HazyResearch's fly has it:

    M[a*p + i, j*l + b] = sum over c < t of W1[a, i, c*l + b] * W2[b, a*t + c, j]

Slice (a, b) of M, its rows a*p ... a*p + p - 1 and its columns b, b + l, b + 2*l, ..., is thus a matrix [p, s] of rank
t, any such matrix, and shares no weight with another slice. So the nearest product in the Frobenius norm is made of the
truncated singular value decompositions of all slices (arXiv 2204.00595, theorem 1, where t = 1).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Blocking:
    """The shape of a Monarch product: the letters k, p, l, s, t above, in this order.

    It may be larger than the matrix it stands for, which then counts as filled up with zeros below and to the right.
    """

    blocks_in: int
    rows: int
    blocks_out: int
    columns: int
    rank: int = 1

    def __post_init__(self) -> None:
        if min(self.blocks_in, self.rows, self.blocks_out, self.columns, self.rank) < 1:
            raise ValueError(f"blocks, rows, columns and rank of a blocking: expected at least 1 each, found {self}")

    @property
    def inputs(self) -> int:
        return self.blocks_in * self.rows

    @property
    def outputs(self) -> int:
        return self.blocks_out * self.columns

    @property
    def stored_weights(self) -> int:
        """The elements of W1 and W2."""
        return self.blocks_in * self.blocks_out * self.rank * (self.rows + self.columns)

    def trimmed(self, inputs: int, outputs: int) -> "Blocking":
        """Without the blocks and columns that are nothing but padding for a matrix of this shape: the same product."""
        return replace(self, blocks_in=-(-inputs // self.rows), columns=-(-outputs // self.blocks_out))


def blocking_of(inputs: int, outputs: int, blocks_in: int, blocks_out: int, rank: int = 1) -> Blocking:
    """The smallest blocking with so many blocks that a matrix [inputs, outputs] fits in."""
    return Blocking(blocks_in, -(-inputs // blocks_in), blocks_out, -(-outputs // blocks_out), rank)


def blocking(inputs: int, outputs: int, blocks: int, rank: int | None = None) -> Blocking:
    """As many blocks on both sides, and slices of this rank, or of their whole rank where that is less.

    Without a rank, blocks are as square as `MonarchLinear` has them: q = min(inputs, outputs) / blocks, which makes the
    rank min(inputs, outputs) / blocks^2, rounded down, and at least 1.
    """
    if not 1 <= blocks <= min(inputs, outputs):
        raise ValueError(f"{blocks} blocks of a {inputs}x{outputs} matrix: expected 1 to {min(inputs, outputs)}")
    if rank is None:
        return blocking_of(inputs, outputs, blocks, blocks, max(1, min(inputs, outputs) // blocks**2))
    shape = blocking_of(inputs, outputs, blocks, blocks)
    return replace(shape, rank=min(rank, shape.rows, shape.columns))


def project(matrix: Array, into: Blocking) -> tuple[Array, Array]:
    """W1 [k, p, l*t] and W2 [l, k*t, s] of the product nearest to `matrix` [in, out] in the Frobenius norm.

    Of each singular value, the root goes to either factor. Factors are float64 if the matrix is, else float32.
    Errors: ValueError if the matrix does not fit, or is not finite.
    """
    check(matrix, into)
    core = into.trimmed(*matrix.shape)
    left = np.zeros((into.blocks_in, into.blocks_out, into.rows, into.rank), factor_type(matrix))
    right = np.zeros((into.blocks_in, into.blocks_out, into.rank, into.columns), left.dtype)
    for first, slices in _slices(matrix, core):
        here = slice(first, first + len(slices))
        left[here], right[here, :, :, : core.columns] = nearest(slices, into.rank)
    return factors(left, right)


def nearest(slices: Doubles, rank: int) -> tuple[Doubles, Doubles]:
    """Factors [..., p, rank] and [..., rank, s] of the matrices of that rank nearest to `slices` [..., p, s].

    The singular vectors of the shorter side are eigenvectors of the Gram matrix, which is twice as fast as a singular
    value decomposition; what is lost below 1e-8 of the largest singular value, no float32 weight can hold.
    """
    if slices.shape[-2] > slices.shape[-1]:
        right, left = nearest(_transposed(slices), rank)
        return _transposed(left), _transposed(right)
    kept = min(rank, slices.shape[-2])
    _, vectors = np.linalg.eigh(slices @ _transposed(slices))
    left = np.zeros((*slices.shape[:-1], rank))
    left[..., :kept] = vectors[..., ::-1][..., :kept]
    right = _transposed(left) @ slices
    return balanced(left, right)


def balanced(left: Doubles, right: Doubles) -> tuple[Doubles, Doubles]:
    """The same products [..., p, t] x [..., t, s], each column of the left as long as its row of the right."""
    lengths, widths = np.linalg.norm(left, axis=-2), np.linalg.norm(right, axis=-1)
    used = (lengths > 0) & (widths > 0)
    scales = np.sqrt(np.where(used, widths, 0) / np.where(used, lengths, 1))
    return left * scales[..., None, :], right / np.where(used, scales, 1)[..., None] * used[..., None]


def factors(left: Array, right: Array) -> tuple[Array, Array]:
    """W1 [k, p, l*t] and W2 [l, k*t, s] from the factors [k, l, p, t] and [k, l, t, s] of all slices."""
    ins, outs, rows, rank = left.shape
    w1 = left.transpose(0, 2, 3, 1).reshape(ins, rows, rank * outs)
    w2 = right.transpose(1, 0, 2, 3).reshape(outs, ins * rank, right.shape[-1])
    return np.ascontiguousarray(w1), np.ascontiguousarray(w2)


def slice_factors(w1: Array, w2: Array) -> tuple[Array, Array]:
    """The inverse of `factors`."""
    (ins, rows, _), (outs, inner, columns) = w1.shape, w2.shape
    rank = inner // ins
    left = w1.reshape(ins, rows, rank, outs).transpose(0, 3, 1, 2)
    return left, w2.reshape(outs, ins, rank, columns).transpose(1, 0, 2, 3)


def relative_error(matrix: Array, w1: Array, w2: Array) -> float:
    """`|matrix - M| / |matrix|` in the Frobenius norm, for any factors; 0 if both are zero."""
    lost = sum(float(np.vdot(rest, rest)) for rest in residuals(matrix, w1, w2))
    return ratio(lost, energy(matrix))


def residuals(matrix: Array, w1: Array, w2: Array) -> Iterator[Doubles]:
    """`matrix - M`, some rows at a time, from the first to the last."""
    left, right = slice_factors(w1, w2)
    ins, outs, rows, rank = left.shape
    core = Blocking(ins, rows, outs, right.shape[-1], rank).trimmed(*matrix.shape)
    for first, slices in _slices(matrix, core):
        here = slice(first, first + len(slices))
        rest = slices - left[here].astype(np.float64) @ right[here, :, :, : core.columns].astype(np.float64)
        shaped = rest.transpose(0, 2, 3, 1).reshape(-1, core.outputs)
        yield shaped[: len(matrix) - first * rows, : matrix.shape[1]]


def discarded(matrix: Array, into: Blocking, allowance: float) -> Doubles:
    """The squared error of projections of rank 0 (that is, `|matrix|^2`), 1, 2, ..., min(p, s) with these blocks.

    It ends early, with what it has summed up so far, as soon as rank `into.rank` has lost more than `allowance`.
    """
    core = into.trimmed(*matrix.shape)
    energies = np.zeros(min(core.rows, core.columns) + 1)
    for _, slices in _slices(matrix, core):
        if core.rows > core.columns:
            slices = _transposed(slices)
        squares = np.maximum(np.linalg.eigvalsh(slices @ _transposed(slices)), 0).sum(axis=(0, 1))
        energies[:-1] += np.cumsum(squares)[::-1]
        if energies[: core.rank + 1][-1] > allowance:
            break
    return energies


def check(matrix: Array, into: Blocking) -> None:
    inputs, outputs = matrix.shape
    if inputs > into.inputs or outputs > into.outputs:
        raise ValueError(f"a {inputs}x{outputs} matrix does not fit a Monarch product {into.inputs}x{into.outputs}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"a {inputs}x{outputs} matrix holds values that are not finite: it has no projection")


def factor_type(matrix: Array) -> np.dtype[Any]:
    """float64 for float64, else float32."""
    return np.dtype(np.float64 if matrix.dtype == np.float64 else np.float32)


def ratio(lost: float, total: float) -> float:
    """The root of `lost / total`: 0 if nothing was lost, infinite if there was nothing to lose."""
    if lost <= 0:
        return 0.0
    return float(np.sqrt(lost / total)) if total > 0 else float("inf")


def energy(matrix: Array) -> float:
    """`|matrix|^2`, in float64."""
    return sum(float(np.square(row, dtype=np.float64).sum()) for row in matrix)


_CHUNK = 1 << 19
"""Elements worked on at a time: a large matrix is never there twice, and Gram matrices stay in the cache."""


def _slices(matrix: Array, core: Blocking) -> Iterator[tuple[int, Doubles]]:
    """(first input block a, slices [n, l, p, s] of input blocks a ... a + n - 1), filled up with zeros."""
    inputs, outputs = matrix.shape
    together = max(1, _CHUNK // (core.rows * core.outputs))
    for first in range(0, core.blocks_in, together):
        count = min(together, core.blocks_in - first)
        part = np.zeros((count * core.rows, core.outputs))
        rows = matrix[first * core.rows : min(inputs, (first + count) * core.rows)]
        part[: len(rows), :outputs] = rows
        shaped = part.reshape(count, core.rows, core.columns, core.blocks_out)
        yield first, np.ascontiguousarray(shaped.transpose(0, 3, 1, 2))


def _transposed(matrices: Doubles) -> Doubles:
    return np.swapaxes(matrices, -1, -2)
