"""Which Monarch product should stand for a matrix: the paper's, or the cheapest one that is near enough."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from passes.project_monarch.analysis.monarch_projection import (
    Blocking,
    Doubles,
    blocking_of,
    check,
    discarded,
    energy,
    ratio,
)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Choice:
    """A blocking, and the relative error (Frobenius norm) that projecting into it has."""

    blocking: Blocking
    error: float


def paper_blocking(inputs: int, outputs: int) -> Blocking:
    """What arXiv 2510.11192 maps: the matrix padded to a square n x n, b blocks of b x b a factor, b = sqrt(n).

    n is the larger side, or the next square number. Several square matrices side by side (Q, K and V in one weight)
    are not padded, but each gets the blocks it would have alone. `trimmed` gives the same product without padding.
    """
    longer, shorter = max(inputs, outputs), min(inputs, outputs)
    if not _is_square(longer) and _is_square(shorter) and longer % shorter == 0:
        side = isqrt(shorter)
        return Blocking(inputs // side, side, outputs // side, side)
    side = isqrt(longer - 1) + 1
    return Blocking(side, side, side, side)


def candidates(inputs: int, outputs: int) -> list[Blocking]:
    """Blockings worth trying for a matrix [inputs, outputs], those with the fewest stored weights first.

    They have equally many blocks on both sides, or square slices: in powers of two, and three times these where that
    divides both sides; of ranks 1, 2, 3, 4, 6, 8, 12 ... as long as they store less than the matrix has elements. A
    single block on a side is none: that would be a product of two dense matrices.
    """
    shapes: set[Blocking] = set()
    for number in _smooth(min(inputs, outputs)):
        if number & (number - 1) and (inputs % number or outputs % number):
            continue
        same_blocks = blocking_of(inputs, outputs, number, number)
        square_slices = blocking_of(inputs, outputs, -(-inputs // number), -(-outputs // number))
        for shape in (same_blocks, square_slices):
            for rank in (1, *_smooth(min(shape.rows, shape.columns))):
                shapes.add(replace(shape, rank=rank).trimmed(inputs, outputs))
    worthwhile = [
        shape
        for shape in shapes
        if shape.stored_weights < inputs * outputs and min(shape.blocks_in, shape.blocks_out) > 1
    ]
    return sorted(worthwhile, key=lambda shape: (shape.stored_weights, shape.blocks_in, shape.blocks_out))


def choose(matrix: Array, budget: float) -> Choice | None:
    """The cheapest blocking of `candidates` with a relative error of at most `budget`, if any.

    Blockings that differ only in rank share one decomposition, which ends as soon as even the highest rank has lost
    more than the budget allows. Errors: ValueError as from `project`.
    """
    total = energy(matrix)
    allowance = budget**2 * total
    for shape, lost in _losses(matrix, candidates(*matrix.shape), allowance):
        if lost <= allowance:
            return Choice(shape, ratio(lost, total))
    return None


def front(matrix: Array, among: Iterable[Blocking]) -> list[Choice]:
    """Those of the blockings that have a smaller error than all that store no more weights, the cheapest first."""
    best: list[Choice] = []
    total = energy(matrix)
    for shape, lost in _losses(matrix, among, np.inf):
        error = ratio(lost, total)
        if not best or error < best[-1].error:
            if best and best[-1].blocking.stored_weights == shape.stored_weights:
                best.pop()
            best.append(Choice(shape, error))
    return best


def _losses(matrix: Array, among: Iterable[Blocking], allowance: float) -> Iterator[tuple[Blocking, float]]:
    """The blockings, the cheapest first, each with its squared error, or with a part of it above the allowance."""
    shapes = sorted(among, key=lambda shape: shape.stored_weights)
    highest: dict[Blocking, int] = {}
    for shape in shapes:
        rankless = replace(shape, rank=1)
        highest[rankless] = max(shape.rank, highest.get(rankless, 1))
    known: dict[Blocking, Doubles] = {}
    for shape in shapes:
        rankless = replace(shape, rank=1)
        if rankless not in known:
            check(matrix, shape)
            known[rankless] = discarded(matrix, replace(shape, rank=highest[rankless]), allowance)
        yield shape, float(known[rankless][: shape.rank + 1][-1])


def _smooth(largest: int) -> list[int]:
    """2, 3, 4, 6, 8, 12 ...: the powers of two and three times these, from 2 to `largest`."""
    powers = [1 << exponent for exponent in range(largest.bit_length())]
    return sorted(number for power in powers for number in (2 * power, 3 * power) if number <= largest)


def _is_square(number: int) -> bool:
    return isqrt(number) ** 2 == number
