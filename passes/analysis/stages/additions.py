"""Additions of partial sums: which there are, and when which digital unit does each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.int64]

PART = ("n", "columns", "array", "column", "end_ps")
"""Columns of a table of conversions: elements [n, n + columns) of a product, from the columns of an array from `column`
on, converted at `end_ps`."""
ADDITION = ("first_column", "columns", "unit", "start_ps")
"""Columns of a table of additions: which elements of the product, which digital unit, when."""


@dataclass(frozen=True)
class Vector:
    """Elements of a product of which there are several partial sums; `ready` is a heap of when each is there [ps]."""

    product: int
    first: int
    columns: int
    ready: list[int]


def schedule_additions(
    products: Sequence[Table], units: int, add_ps: int, vector_width: int
) -> tuple[list[Table], int]:
    """For each product (a table PART) its additions (a table ADDITION), and when the last of them is done.

    What one column of an array converts, row group after row group, accumulates where it is converted; sums of
    different columns are added in pairs, the earliest first, each pair on the unit that is free first. A unit adds
    `vector_width` elements at most.
    """
    ranges = [vector for i, parts in enumerate(products) for vector in vectors(i, parts, vector_width)]
    additions: list[list[tuple[int, int, int, int]]] = [[] for _ in products]
    free: list[tuple[int, int]] = []
    """Units that have added before; those with greater numbers never did, and are free from the start."""
    waiting = [(second(r.ready), number) for number, r in enumerate(ranges)]
    heapify(waiting)
    last = 0
    while waiting:
        ready, number = heappop(waiting)
        chosen = ranges[number]
        fresh = (0, len(free))
        idle, unit = fresh if len(free) < units and (not free or fresh < free[0]) else heappop(free)
        start = max(ready, idle)
        heappop(chosen.ready)
        heappop(chosen.ready)
        heappush(chosen.ready, start + add_ps)
        heappush(free, (start + add_ps, unit))
        additions[chosen.product].append((chosen.first, chosen.columns, unit, start))
        last = max(last, start + add_ps)
        if len(chosen.ready) > 1:
            heappush(waiting, (second(chosen.ready), number))
    return [np.array(rows, np.int64).reshape(-1, len(ADDITION)) for rows in additions], last


def vectors(product: int, parts: Table, vector_width: int) -> Iterator[Vector]:
    """The elements of a product (its table PART) with several partial sums, as vectors that a unit adds at once."""
    return _vectors(_ranges(product, parts), vector_width)


def _vectors(ranges: Iterator[Vector], vector_width: int) -> Iterator[Vector]:
    """The ranges as vectors that a unit adds at once: long ones cut, short ones of equally many partial sums joined."""
    last: Vector | None = None
    for new in (piece for whole in ranges for piece in _cut(whole, vector_width)):
        if last is None:
            last = new
        elif (
            last.first + last.columns == new.first
            and len(last.ready) == len(new.ready)
            and last.columns + new.columns <= vector_width
        ):
            ready = [max(pair) for pair in zip(sorted(last.ready), sorted(new.ready))]
            last = Vector(new.product, last.first, last.columns + new.columns, ready)
        else:
            yield last
            last = new
    if last is not None:
        yield last


def _cut(whole: Vector, width: int) -> Iterator[Vector]:
    """The range in pieces of at most `width` elements."""
    for done in range(0, whole.columns, width):
        yield Vector(whole.product, whole.first + done, min(width, whole.columns - done), list(whole.ready))


def second(heap: list[int]) -> int:
    """The second smallest of a heap: when two sums are there."""
    return min(heap[1:3])


def _ranges(product: int, parts: Table) -> Iterator[Vector]:
    """The ranges of elements that several columns hold partial sums of."""
    places = np.concatenate([parts[:, :3], parts[:, 3:4] - parts[:, :1]], axis=1)
    partial_sums, which = np.unique(places, axis=0, return_inverse=True)
    first, last = partial_sums[:, 0], partial_sums[:, 0] + partial_sums[:, 1]
    if (first[1:] >= last[:-1]).all():  # sorted, and none on another
        return
    end = np.zeros(len(partial_sums), np.int64)
    np.maximum.at(end, which.reshape(-1), parts[:, 4])
    for low, high in pairwise(np.unique([first, last]).tolist()):
        inside = (first <= low) & (high <= last)
        ready: dict[tuple[int, int], int] = {}
        for (array, offset), time in zip(partial_sums[inside, 2:].tolist(), end[inside].tolist()):
            ready[array, offset] = max(ready.get((array, offset), 0), time)
        if len(ready) > 1:
            heap = list(ready.values())
            heapify(heap)
            yield Vector(product, low, high - low, heap)
