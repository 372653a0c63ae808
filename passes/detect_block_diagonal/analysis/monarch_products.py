"""Finds out whether a dense matrix is exactly a Monarch product, and the factors that take the fewest weights.

A Monarch product of k input blocks and l output blocks is x[k*p] -> W1[k, p, q] -> W2[l, r, s] -> y[s*l], k*q = l*r, as
`MonarchLinear` of HazyResearch's fly computes it: reshape to [k, p], multiply each of the k blocks, flatten to k*q
numbers, number m of which is number m // l of block m % l, multiply each of the l blocks, and interleave the results:

    M[i*p + u, v*l + b] = sum over those c < q with (i*q + c) % l = b of W1[i, u, c] * W2[b, (i*q + c) // l, v]

So slice (i, b) of M, its rows i*p ... i*p + p - 1 and its columns b, b + l, b + 2*l, ..., is the product of as many
columns of W1 and rows of W2 as there are such c: floor(q/l) or ceil(q/l), and exactly q/l where l divides q. Slices
share no weight. M is such a product exactly if no slice's rank is greater than that number; it takes k*p*q + l*r*s =
k*q*(p + s) weights. A matrix that cannot be cut into such slices is filled up with zeros below and to the right.

*Exactly* means: as exactly as float32 can hold a product. Rounding an element costs at most 6e-8 of it, and adding up t
products costs about sqrt(t)/5 times as much as that again; at t = 256 this is 4e-7 of a slice. `TOLERANCE` leaves a
factor of five above, and is three orders of magnitude below what a network that is merely close would show.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

TOLERANCE = 2e-6
"""The greatest error of a slice, relative to it, its rows and columns scaled to norm 1 first."""


@dataclass(frozen=True, eq=False)
class MonarchProduct:
    """Factors w1 [k, p, q] and w2 [l, r, s] in the convention above; the matrix is the upper left of their product."""

    w1: Array
    w2: Array

    @property
    def stored(self) -> int:
        """Weights that have to be stored."""
        return self.w1.size + self.w2.size

    def matrix(self) -> Array:
        """The dense product [k*p, l*s]."""
        return monarch_matrix(self.w1, self.w2)


def monarch_matrix(w1: Array, w2: Array) -> Array:
    """The dense matrix [k*p, s*l] of factors w1 [k, p, q] and w2 [l, r, s], k*q = l*r, in the convention above."""
    (ins, rows, inner), (outs, depth, columns) = w1.shape, w2.shape
    if ins * inner != outs * depth:
        raise ValueError(f"factors {w1.shape} and {w2.shape}: expected k*q = l*r, found {ins * inner}, {outs * depth}")
    matrix = np.zeros((ins * rows, columns, outs), np.result_type(w1, w2))
    for i in range(ins):
        middle = np.arange(i * inner, (i + 1) * inner, dtype=np.int64)
        for b in range(outs):
            own = middle[middle % outs == b]
            matrix[i * rows : (i + 1) * rows, :, b] = w1[i][:, own - i * inner] @ w2[b, own // outs]
    return matrix.reshape(ins * rows, columns * outs)


def find_monarch_product(matrix: Array) -> MonarchProduct | None:
    """The Monarch product of fewest weights that is exactly `matrix` [in, out]; None if none has fewer than in*out.

    Looked at are all divisors of `in` and `out` but 1 and themselves as numbers of blocks, and as many blocks on both
    sides where these do not divide: powers of two and what divides one side. Two passes: the first looks at a corner
    of one slice for each blocking, and rejects all blockings of an ordinary dense matrix; the second factors what is
    left, small slices first, each only as far as it can beat the best so far. Takes float matrices; factors are
    float64 if the matrix is, else float32.
    """
    if matrix.dtype.kind != "f" or not matrix.any():
        return None
    search = _Search(matrix)
    possible = [shape for shape in _blockings(*matrix.shape) if not search.can_reject(shape, matrix.size)]
    if not possible or not np.isfinite(matrix).all():
        return None
    best: MonarchProduct | None = None
    limit = matrix.size
    while (shape := search.most_promising(possible, limit)) is not None:
        product = search.factor(shape, limit)
        if product is not None:
            best, limit = product, product.stored
        possible.remove(shape)
    return best


@dataclass(frozen=True)
class _Blocking:
    """k, p, l, s."""

    ins: int
    rows: int
    outs: int
    columns: int

    @property
    def step(self) -> int:
        """What q is a multiple of, so that l divides k*q."""
        return self.outs // gcd(self.ins, self.outs)

    def stored(self, inner: int) -> int:
        return self.ins * inner * (self.rows + self.columns)

    def most_inner(self, limit: int) -> int:
        """The greatest q that takes fewer weights than `limit`; may be 0."""
        return (limit - 1) // self.stored(1) // self.step * self.step

    def counts(self, inner: int) -> Indices:
        """How many c belong to each slice [k, l]."""
        return self._counts(inner, np.arange(self.ins)[:, None], np.arange(self.outs))

    def least_inner(self, ranks: Indices) -> int:
        """The least q that gives every slice as many c as its rank."""
        least = max(int(ranks.sum(axis=1).max()), self.outs * int(ranks[0, -1]), 1)
        inner = -(-least // self.step) * self.step
        i, b = np.nonzero(ranks)  # few, where only a few slices of millions have been looked at
        while (self._counts(inner, i, b) < ranks[i, b]).any():
            inner += self.step
        return inner

    def _counts(self, inner: int, i: Indices, b: Indices) -> Indices:
        """How many c belong to the slices (i, b)."""
        first = i * inner - b + self.outs - 1
        return (first + inner) // self.outs - first // self.outs


@lru_cache(maxsize=1 << 8)
def _blockings(inputs: int, outputs: int) -> tuple[_Blocking, ...]:
    """By output blocks, then input blocks, ascending; layers have the same few shapes."""
    return tuple(_all_blockings(inputs, outputs))


def _all_blockings(inputs: int, outputs: int) -> Iterator[_Blocking]:
    ins, outs = _divisors(inputs), _divisors(outputs)
    padded = {*ins, *outs, *(1 << bit for bit in range(1, min(inputs, outputs).bit_length()))}
    for right in sorted({*outs, *padded}):
        for left in sorted(ins if right in outs else ()):
            yield _Blocking(left, inputs // left, right, outputs // right)
        if right in padded and not (right in ins and right in outs):
            rows, columns = -(-inputs // right), -(-outputs // right)
            if rows > 1 < columns and -(-inputs // rows) == right:
                yield _Blocking(right, rows, right, columns)


def _divisors(number: int) -> set[int]:
    return {divisor for divisor in range(2, number // 2 + 1) if number % divisor == 0}


_Factors = tuple[Indices, Array, Array]
"""Ranks [n] of n slices, and their factors [n, p, t] and [n, t, s]; beyond the rank they are zero."""


class _Search:
    """What is known about one matrix."""

    def __init__(self, matrix: Array) -> None:
        self.matrix = matrix
        self.independent_rows: dict[int, int] = {}
        """So many first rows of the last output block are independent, by number of output blocks."""
        self.independent_columns: dict[int, tuple[int, int]] = {}
        """So many first columns of the last output block are independent in so many first rows."""
        self.ranks: dict[_Blocking, int] = {}
        """The greatest rank of the slices that were tried."""
        self.bounds: dict[_Blocking, int] = {}
        """A blocking takes at least so many weights."""

    def slice_of(self, shape: _Blocking, i: int, b: int) -> Array:
        return self.matrix[i * shape.rows : (i + 1) * shape.rows, b :: shape.outs]

    def can_reject(self, shape: _Blocking, limit: int) -> bool:
        """Whether slice (0, l - 1) is of too high a rank for any q that takes fewer weights than `limit`.

        No other slice has fewer c than this one, floor(q/l). What is found for few input blocks holds for more, whose
        blocks are the first rows of these, so nearly all blockings are rejected without a look at the matrix.
        """
        inner = shape.most_inner(limit)
        if inner == 0:
            return True
        rank = inner // shape.outs + 1
        last = self.slice_of(shape, 0, shape.outs - 1)
        if rank > min(last.shape):
            return False
        proved, rows_read = self.independent_columns.get(shape.outs, (0, 0))
        if rank <= self.independent_rows.get(shape.outs, 0) or (rank <= proved and rows_read <= shape.rows):
            return True
        for others in (rank + rank // 4 + 8, 2 * rank + 8):
            if last.shape[0] <= last.shape[1]:
                if _are_independent(last[:rank, :others]):
                    self.independent_rows[shape.outs] = rank  # more than was known, or it would not have been tried
                    return True
            elif _are_independent(last[:others, :rank].T):
                self.independent_columns[shape.outs] = (rank, min(others, shape.rows))
                return True
        return False

    def most_promising(self, possible: list[_Blocking], limit: int) -> _Blocking | None:
        """Of the blockings that could take fewer weights than `limit`, the one that three slices show to take fewest.

        Small slices come first: what they promise makes it easy to reject large ones.
        """
        best: _Blocking | None = None
        for shape in sorted(possible, key=lambda shape: (shape.rows * shape.columns, shape.ins)):
            if not self.can_reject(shape, limit):
                least = self.least_stored(shape, limit)
                best, limit = (shape, least) if least < limit else (best, limit)
        return best

    def least_stored(self, shape: _Blocking, limit: int) -> int:
        """A lower bound of the weights this blocking takes: exact for three slices, or what would be too many."""
        bound = self.bounds.get(shape, 0)
        if shape in self.ranks or bound >= limit:
            return bound
        ranks = np.zeros((shape.ins, shape.outs), np.int64)
        for i, b in ((0, shape.outs - 1), (shape.ins - 1, 0), (shape.ins // 2, shape.outs // 2)):
            factored = self.factor_slices(shape, [(i, b)], limit, max(4, int(ranks.max())))
            if factored is None:
                self.bounds[shape] = limit
                return limit
            ranks[i, b] = factored[0][0]
        self.ranks[shape] = int(ranks.max())
        self.bounds[shape] = shape.stored(shape.least_inner(ranks))
        return self.bounds[shape]

    def factor(self, shape: _Blocking, limit: int) -> MonarchProduct | None:
        """The exact factors if they take fewer weights than `limit`."""
        factored = self.factor_slices(shape, list(np.ndindex(shape.ins, shape.outs)), limit, self.ranks[shape])
        if factored is None:
            return None
        ranks, left, right = factored
        inner = shape.least_inner(ranks.reshape(shape.ins, shape.outs))
        if inner > shape.most_inner(limit):
            return None
        return MonarchProduct(*_arranged(shape, inner, left, right))

    def factor_slices(
        self, shape: _Blocking, slices: Sequence[tuple[int, ...]], limit: int, expected: int
    ) -> _Factors | None:
        """Exact factors of these slices, if they take fewer weights than `limit`. The rank is a guess to begin with."""
        most = min(shape.most_inner(limit) // shape.outs + 1, shape.rows, shape.columns)
        width = _vectors_for(expected)
        while (factored := self.factor_slices_within(shape, slices, width)) is None:
            if width >= _vectors_for(most):
                return None
            width *= 2
        return factored

    def factor_slices_within(self, shape: _Blocking, slices: Sequence[tuple[int, ...]], width: int) -> _Factors | None:
        """Exact factors of these slices, if all ranks are so small that vectors [width] show them with certainty."""
        width = min(width, shape.rows, shape.columns)
        dtype = np.float64 if self.matrix.dtype == np.float64 else np.float32
        parts: list[_Factors] = []
        together = max(1, _CHUNK // (shape.rows * shape.columns))
        for first in range(0, len(slices), together):
            here = slices[first : first + together]
            dense = np.zeros((len(here), shape.rows, shape.columns))
            for into, (i, b) in zip(dense, here, strict=True):
                part = self.slice_of(shape, i, b)
                into[: part.shape[0], : part.shape[1]] = part
            factored = _exact_factors(dense, width, dtype)
            if factored is None:
                return None
            parts.append(factored)
        most = max(part[1].shape[2] for part in parts)
        left = np.zeros((len(slices), shape.rows, most), dtype)
        right = np.zeros((len(slices), most, shape.columns), dtype)
        first = 0
        for ranks, u, v in parts:
            here = slice(first, first := first + len(ranks))
            left[here, :, : u.shape[2]], right[here, : v.shape[1]] = u, v
        return np.concatenate([part[0] for part in parts]), left, right


def _vectors_for(rank: int) -> int:
    """So many random vectors show the range of a slice of this rank with hardly more noise than there is."""
    return rank + rank // 4 + 4


_CHUNK = 1 << 18
"""Elements of slices factored at a time, so that no copy of a large matrix is made."""

_GAPS = ((np.float32, 1e-4), (np.float64, 1e-9))
"""Least eigenvalue of the Gram matrix of vectors of norm 1 for which they count as independent, in this precision.

float32 makes 1e-6 of dependent ones, and 0.1 is what n random vectors of length 2n have. Trained weights have smaller
ones, and need a second try in float64, where 1e-9 is still far above what the rounding of float32 weights makes.
"""


def _are_independent(vectors: Array) -> bool:
    """Whether vectors [n, length] are clearly linearly independent; no is no proof of the contrary."""
    with np.errstate(over="ignore", invalid="ignore"):  # very large numbers are scaled when they have been noticed
        return any(_have_eigenvalues_above(gap, vectors.astype(dtype, order="C")) for dtype, gap in _GAPS)


def _have_eigenvalues_above(gap: float, vectors: Array) -> bool:
    """Of the Gram matrix of vectors that are scaled to norm 1.

    Vectors whose squares are too large or too small for numbers of their type are scaled before.
    """
    gram = vectors @ vectors.T
    squares = gram.diagonal()
    if not _MODERATE[0] < squares.min() <= squares.max() < _MODERATE[1]:
        largest = np.abs(vectors).max(axis=1, keepdims=True)
        if not 0 < largest.min() <= largest.max() < np.inf:
            return False
        vectors = vectors / largest
        gram = vectors @ vectors.T
    norms = np.sqrt(gram.diagonal())
    gram /= norms
    gram /= norms[:, None]
    gram.flat[:: len(gram) + 1] -= gram.dtype.type(gap)
    try:
        np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        return False
    return True


_MODERATE = (1e-20, 1e20)
"""Squares of norms between these are far from the ends of float32."""


def _exact_factors(slices: Doubles, width: int, dtype: type[np.floating[Any]]) -> _Factors | None:
    """Factors, t being the greatest rank, of slices [n, p, s], which are overwritten; None if one is not exact.

    The range of a slice is found with a few random vectors, the same ones every time (Halko, Martinsson and Tropp,
    arXiv 0909.4061). Rows and columns are scaled to norm 1 first, so that a small one counts as much as a large one.
    """
    tall = _norms(slices, axis=2)
    slices /= tall
    wide = _norms(slices, axis=1)
    slices /= wide
    sampled = width < min(slices.shape[1:])
    if sampled:
        probe = np.random.default_rng(0).standard_normal((slices.shape[2], width))
        basis = np.linalg.qr(slices @ probe)[0]
        u, sigma, vt = np.linalg.svd(np.swapaxes(basis, 1, 2) @ slices, full_matrices=False)
        u = basis @ u
    else:
        u, sigma, vt = np.linalg.svd(slices, full_matrices=False)
    rest: Doubles = np.cumsum(np.square(sigma)[:, ::-1], axis=1)[:, ::-1]
    ranks: Indices = np.asarray((rest > TOLERANCE**2 * rest[:, :1]).sum(axis=1))
    rank = int(ranks.max())
    if sampled and _vectors_for(rank) > width:
        return None
    kept: Doubles = np.where(np.arange(rank) < ranks[:, None], sigma[:, :rank], 0)
    roots = np.sqrt(kept)
    left, right = u[:, :, :rank] * roots[:, None], vt[:, :rank] * roots[:, :, None]
    slices -= left @ right
    if np.einsum("nps,nps->ns", slices, slices).max() > (4 * TOLERANCE) ** 2:
        return None
    left, right = left * tall, right * wide
    balance = np.sqrt(_norms(left, axis=1) / _norms(right, axis=2).swapaxes(1, 2))
    return ranks, (left / balance).astype(dtype), (right * balance.swapaxes(1, 2)).astype(dtype)


def _norms(values: Doubles, axis: int) -> Doubles:
    """Norms along an axis, which is kept; 1 where they are 0."""
    norms = np.sqrt(np.square(values).sum(axis=axis, keepdims=True))
    norms[norms == 0] = 1
    return norms


def _arranged(shape: _Blocking, inner: int, left: Array, right: Array) -> tuple[Array, Array]:
    """W1 [k, p, q] and W2 [l, r, s] from the factors [k*l, p, t] and [k*l, t, s] of all slices."""
    rank = left.shape[2]
    w1 = np.zeros((shape.ins, shape.rows, inner), left.dtype)
    w2 = np.zeros((shape.outs, shape.ins * inner // shape.outs, shape.columns), left.dtype)
    for i in range(shape.ins):
        middle = np.arange(i * inner, (i + 1) * inner)
        b, a = middle % shape.outs, middle // shape.outs
        number = a - (i * inner - b + shape.outs - 1) // shape.outs
        used = number < rank
        own, b, a, number = np.flatnonzero(used), b[used], a[used], number[used]
        w1[i][:, own] = left[i * shape.outs + b, :, number].T
        w2[b, a] = right[i * shape.outs + b, number]
    return w1, w2
