"""Legality of additions: partial sums of an element are added in pairs, each when both are there, until one is left."""

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.times.timing import Numbers

_APART = 1 << 33
"""Elements between products on the line that all elements lie on: more than a product can have."""
_TOGETHER = 1 << 22
"""Pieces of partial sums that are looked at together."""


class _Pieces(NamedTuple):
    """What happens to elements `first` up to `last` on that line, by several records: in columns, for each `fields`."""

    first: Numbers
    last: Numbers
    fields: tuple[Numbers, ...]


def verify_sums(program: Program, add_ps: int, ends: Numbers) -> None:
    """Raises ProgramError unless ADD records make one sum of each element (S7), for each copy of a weight by itself.

    `ends` tells when records are done.
    """
    records = program.instructions
    numbers = np.flatnonzero(np.isin(records["op"], (Opcode.MULTIPLY, Opcode.ADD)))
    y, copy, n, width = (records[name][numbers].astype(np.int64) for name in ("y", "flags", "n", "columns"))
    products, product = np.unique(y << 8 | copy, return_inverse=True)
    first = product.reshape(-1) * _APART + n
    converts = records["op"][numbers] == Opcode.MULTIPLY
    converted, added = numbers[converts], numbers[~converts]
    array, column, start = (records[name].astype(np.int64) for name in ("array", "column", "start"))
    places = array[converted], column[converted] - n[converts], ends[converted]
    parts = _Pieces(first[converts], (first + width)[converts], places)
    sums = _Pieces(first[~converts], (first + width)[~converts], (start[added],))
    for place, wrong in _first_wrong(parts, sums, add_ps):
        value, of = divmod(int(products[place // _APART]), 256)
        copied = f" by copy {of}" if of else ""
        raise ProgramError(f"partial sums of element {place % _APART} of value {value}{copied}: {wrong}")


def _first_wrong(parts: _Pieces, sums: _Pieces, add_ps: int) -> Iterator[tuple[int, str]]:
    """First element of each range whose additions cannot be right, and why; one at most of those looked at together.

    `parts` has array, column less element, and end for each MULTIPLY record: those of one column of an array accumulate
    where they are converted, so they are one partial sum. `sums` has the start of each ADD.
    """
    limits = np.unique(np.concatenate([parts.first, parts.last, sums.first, sums.last]))
    parts, sums = (_numbered(pieces, limits) for pieces in (parts, sums))
    count = np.zeros(len(limits) + 1, np.int64)
    for pieces in (parts, sums):
        np.add.at(count, pieces.first, 1)
        np.add.at(count, pieces.last, -1)
    before = np.cumsum(np.cumsum(count))  # pieces of all ranges up to each
    low = 0
    while low < len(limits):
        high = int(np.searchsorted(before, (before[low - 1] if low else 0) + _TOGETHER)) + 1
        for place, wrong in _wrong_between(low, high, parts, sums, add_ps):
            yield int(limits[place]), wrong
        low = high


def _numbered(pieces: _Pieces, limits: Numbers) -> _Pieces:
    """The pieces with numbers of limits for their elements."""
    return pieces._replace(first=np.searchsorted(limits, pieces.first), last=np.searchsorted(limits, pieces.last))


def _cut(pieces: _Pieces, low: int, high: int) -> tuple[Numbers, ...]:
    """A row for each piece and each range from `low` up to `high` that it covers: the range, and its fields."""
    near = np.flatnonzero((pieces.first < high) & (pieces.last > low))
    first, last = np.maximum(pieces.first[near], low), np.minimum(pieces.last[near], high)
    origin = np.repeat(np.arange(len(near)), last - first)
    within = np.arange(len(origin)) - np.repeat(np.cumsum(last - first) - (last - first), last - first)
    return first[origin] + within, *(field[near][origin] for field in pieces.fields)


def _wrong_between(low: int, high: int, parts: _Pieces, sums: _Pieces, add_ps: int) -> Iterator[tuple[int, str]]:
    """The first of the ranges `low` up to `high` with wrong additions, if there is one, and what is wrong."""
    place, array, offset, end = _cut(parts, low, high)
    order = np.lexsort([offset, array, place])
    keys = [field[order] for field in (place, array, offset)]
    begins = np.flatnonzero(np.logical_or.reduce([np.diff(key, prepend=key[:1] - 1) != 0 for key in keys]))
    place = keys[0][begins]
    ready = np.maximum.reduceat(end[order], begins) if len(begins) else end
    order = np.lexsort([ready, place])
    ready = ready[order]  # by range, and in each by time
    added, start = _cut(sums, low, high)
    start = start[np.lexsort([start, added])]
    have, add = (np.bincount(which - low, minlength=high - low) for which in (place, added))
    last_part, last_add = np.cumsum(have), np.cumsum(add)
    wrong = add != np.maximum(have - 1, 0)
    pairs = np.flatnonzero(~wrong & (have == 2))
    wrong[pairs] = start[last_add[pairs] - 1] < ready[last_part[pairs] - 1]
    until = np.argmax(wrong) if wrong.any() else len(wrong)
    many = np.flatnonzero(have[:until] > 2).tolist()
    for i in [*many, *([int(until)] if until < len(wrong) else [])]:
        own = ready[last_part[i] - have[i] : last_part[i]].tolist()
        why = _wrong_order(own, start[last_add[i] - add[i] : last_add[i]].tolist(), add_ps)
        if why is not None:
            yield low + i, why
            return


def _wrong_order(ready: list[int], starts: list[int], add_ps: int) -> str | None:
    """Whether additions at `starts` make one of partial sums that are there from `ready` on, both in order of time.

    Taking the two that are there first loses nothing: later additions can take the others as well.
    """
    if len(starts) != max(0, len(ready) - 1):
        return f"{len(ready)} of them take {max(0, len(ready) - 1)} additions, found {len(starts)}"
    for start in starts:
        first, second = heappop(ready), heappop(ready)
        if max(first, second) > start:
            return f"an addition at {start} ps comes before its operands"
        heappush(ready, start + add_ps)
    return None
