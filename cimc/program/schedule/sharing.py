"""Activations that several records share: which of them spoil a sum, found for all of them at once."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cimc.program.program import Program
from cimc.program.times.timing import Activations, Numbers

_APART = 1 << 18
"""Rows, or columns, between activations on the line that those of all lie on: more than two arrays can have."""
_TOGETHER = 1 << 21
"""Pairs that are looked at together: of an activation and a tile, or of a tile and a record."""

Verdicts = NDArray[np.bool_]
"""Whether each of the activations that several records share is wrong."""


class _Spans(NamedTuple):
    """Rows or columns on that line, in their order and apart: from `first` up to `last`."""

    first: Numbers
    last: Numbers


class _Shared(NamedTuple):
    """Records that share an activation with others, which have the numbers `group`, from 0 on."""

    group: Numbers
    row: Numbers
    rows: Numbers
    column: Numbers
    columns: Numbers
    driver: Numbers
    """The same for records that drive a row with the same element of the same value."""


def first_wrong(program: Program, activations: Activations) -> int | None:
    """The number of the first activation in which records spoil each other's sums (S2, S3), if there is one.

    A row gets two inputs, or a column is converted twice, or sees programmed cells of rows that only others drive.
    """
    members = np.bincount(activations.of_record, minlength=len(activations.array))
    several = np.flatnonzero(members > 1)
    if not len(several):
        return None
    shared = _shared(program, activations, several)
    driven, twice = _driven(shared, len(several))
    twice |= _converted_twice(shared, len(several))
    wrong = twice | _foreign_cells(program, activations.array[several], shared, driven, twice)
    return int(several[np.argmax(wrong)]) if wrong.any() else None


def _shared(program: Program, activations: Activations, several: Numbers) -> _Shared:
    number = np.full(len(activations.array), -1, np.int64)
    number[several] = np.arange(len(several))
    group = number[activations.of_record]
    records = program.instructions[activations.records[group >= 0]]
    names = ("x", "k", "row", "rows", "column", "columns")
    x, k, row, rows, column, columns = (records[name].astype(np.int64) for name in names)
    return _Shared(group[group >= 0], row, rows, column, columns, (x << 33) + k - row)


def _driven(shared: _Shared, count: int) -> tuple[_Spans, Verdicts]:
    """The rows that each activation drives, as spans; and whether it drives one of them with two inputs."""
    order = np.lexsort([shared.row, shared.driver, shared.group])
    group, driver = shared.group[order], shared.driver[order]
    run = np.cumsum((np.diff(group, prepend=-1) != 0) | (np.diff(driver, prepend=driver[:1]) != 0))
    first = run * _APART + shared.row[order]
    last = np.maximum.accumulate(first + shared.rows[order])  # what another run has driven lies before all of this one
    begins = np.flatnonzero(np.append(True, first[1:] > last[:-1]))
    shift = (group - run)[begins] * _APART
    first, last = first[begins] + shift, last[np.append(begins[1:], len(last)) - 1] + shift
    order = np.argsort(first, kind="stable")
    spans = _Spans(first[order], last[order])
    return spans, _overlapping(spans, count)


def _converted_twice(shared: _Shared, count: int) -> Verdicts:
    first = np.sort(shared.group * _APART + shared.column)
    order = np.argsort(shared.group * _APART + shared.column, kind="stable")
    return _overlapping(_Spans(first, first + shared.columns[order]), count)


def _overlapping(spans: _Spans, count: int) -> Verdicts:
    """Whether spans of each activation lie on each other; they are in their order."""
    wrong = np.zeros(count, np.bool_)
    wrong[spans.first[1:][spans.first[1:] < spans.last[:-1]] // _APART] = True
    return wrong


def _foreign_cells(program: Program, arrays: Numbers, shared: _Shared, driven: _Spans, known: Verdicts) -> Verdicts:
    """Whether a column of each activation sees cells of rows that its record does not drive, but another one.

    Activations that are `known` to be wrong are left out.
    """
    order = np.argsort(shared.group * _APART + shared.column, kind="stable")
    start = shared.group[order] * _APART
    columns = _Spans(start + shared.column[order], start + (shared.column + shared.columns)[order])
    rows = _Spans(start + shared.row[order], start + (shared.row + shared.rows)[order])
    wrong = np.zeros(len(arrays), np.bool_)
    for group, tile in _tiles_of(program, arrays, np.flatnonzero(~known)):
        own = program.tiles[tile].astype(np.int64)
        row, column, height, width = own[:, 2], own[:, 3], own[:, 4], own[:, 5]
        start = group * _APART
        low, high = _within(driven, start + row, start + row + height)
        begin = np.searchsorted(columns.last, start + column, side="right")
        end = np.searchsorted(columns.first, start + column + width)
        for pair, record in _expanded(begin, np.where(low < high, end, begin)):
            foreign = (low[pair] < rows.first[record]) | (high[pair] > rows.last[record])
            wrong[group[pair[foreign]]] = True
    return wrong


def _within(driven: _Spans, first: Numbers, last: Numbers) -> tuple[Numbers, Numbers]:
    """The first row that is driven of each of some spans of rows, and the one after the last; equal if none is."""
    after = np.minimum(np.searchsorted(driven.last, first, side="right"), len(driven.last) - 1)
    before = np.maximum(np.searchsorted(driven.first, last) - 1, 0)
    low, high = np.maximum(driven.first[after], first), np.minimum(driven.last[before], last)
    return low, np.maximum(low, high)


def _tiles_of(program: Program, arrays: Numbers, groups: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of an activation, one of `groups`, and a tile of its array, some at a time."""
    order = np.argsort(program.tiles[:, 1], kind="stable")
    begin, end = (np.searchsorted(program.tiles[order, 1], arrays[groups], side=side) for side in ("left", "right"))
    for pair, place in _expanded(begin, end):
        yield groups[pair], order[place]


def _expanded(begin: Numbers, end: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of a range's number and a number in it, from `begin` up to `end`; some ranges at a time."""
    length = np.maximum(end - begin, 0)
    total = np.cumsum(length)
    low = 0
    while low < len(length):
        high = max(low + 1, int(np.searchsorted(total, (total[low - 1] if low else 0) + _TOGETHER)))
        own = length[low:high]
        pair = np.repeat(np.arange(low, low + len(own)), own)
        yield pair, begin[pair] + np.arange(len(pair)) - np.repeat(np.cumsum(own) - own, own)
        low = high
