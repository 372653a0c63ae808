"""Which conversions and additions an addition of partial sums needs, and which a product that moves out."""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from cimc.clock.lists import Lists, Numbers, spread
from cimc.program.records import Records

COPIES = 256
"""More than a weight can have: the number of a copy has 8 bits."""


@dataclass(frozen=True, eq=False)
class Work:
    """MULTIPLY or ADD records, each with the step that it is part of, and when that step ends in the program [ps]."""

    records: Records
    steps: Numbers
    ends: Numbers

    @property
    def product(self) -> Numbers:
        """What each record works on: a copy of a weight has partial sums of its own."""
        return self.records["y"].astype(np.int64) * COPIES + self.records["flags"]

    @property
    def first(self) -> Numbers:
        return self.records["n"].astype(np.int64)

    @property
    def last(self) -> Numbers:
        return self.first + self.records["columns"].astype(np.int64)


@dataclass(frozen=True, eq=False)
class SumNeeds:
    """Pairs of an addition (by its number among the ADD records) and a step that it needs, and pairs of a value and a
    step that its last sums need."""

    additions: tuple[Numbers, Numbers]
    values: tuple[Numbers, Numbers]


def needs_of_sums(multiplies: Work, adds: Work) -> SumNeeds:
    """What the additions of a program need, and what its products need before they move out.

    As in the program, the two partial sums of an element that are there first are added first. What one column of an
    array converts is one partial sum: its row groups accumulate where they are converted.
    """
    pieces = _Pieces.of(multiplies, adds)
    parts = _Parts.of(multiplies, pieces)
    covered, part = parts.piece, np.arange(len(parts.piece))
    adding, addition = pieces.within(adds)
    in_time = np.lexsort([addition, adds.ends[addition], adding])
    adding, addition = adding[in_time], addition[in_time]
    summed = np.isin(covered, adding)
    several = _Sums(len(parts.ready), parts.ready, adds.ends)
    several.follow((covered[summed], part[summed]), (adding, addition))
    of_parts, steps = parts.steps, adds.steps
    values = np.concatenate([pieces.product[covered[~summed]], pieces.product[several.places]]) // COPIES
    finals = np.concatenate([part[~summed], several.finals])
    return SumNeeds(
        additions=_resolved(np.array(several.users, np.int64), np.array(several.operands, np.int64), of_parts, steps),
        values=_resolved(values, finals, of_parts, steps),
    )


@dataclass(frozen=True, eq=False)
class _Pieces:
    """The elements of products, cut wherever a record begins or ends."""

    limits: Numbers
    """Products and elements as one number, ascending."""
    width: int

    @staticmethod
    def of(multiplies: Work, adds: Work) -> "_Pieces":
        width = 1 + max(int(work.last.max(initial=0)) for work in (multiplies, adds))
        ends = (work.product * width + edge for work in (multiplies, adds) for edge in (work.first, work.last))
        return _Pieces(np.unique(np.concatenate(list(ends))), width)

    @property
    def product(self) -> Numbers:
        return self.limits // self.width

    def within(self, work: Work) -> tuple[Numbers, Numbers]:
        """Pairs of a piece and the number of a record that works on it."""
        product = work.product
        begin = np.searchsorted(self.limits, product * self.width + work.first)
        counts = np.searchsorted(self.limits, product * self.width + work.last) - begin
        number = np.repeat(np.arange(len(product)), counts)
        return begin[number] + np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts, counts), number


@dataclass(frozen=True, eq=False)
class _Parts:
    """Partial sums that columns of an array convert for a piece, in the order of these, and the steps that convert
    each: row groups of the same columns may be of tiles that do not begin or end together."""

    piece: Numbers
    ready: Numbers
    steps: Lists

    @staticmethod
    def of(multiplies: Work, pieces: _Pieces) -> "_Parts":
        piece, record = pieces.within(multiplies)
        offset = multiplies.records["column"].astype(np.int64) - multiplies.first
        places = (piece, multiplies.records["array"][record].astype(np.int64), offset[record])
        rows, which = np.unique(np.stack(places, axis=1), axis=0, return_inverse=True)
        ready = np.zeros(len(rows), np.int64)
        np.maximum.at(ready, which.reshape(-1), multiplies.ends[record])
        return _Parts(rows[:, 0], ready, Lists.of_pairs(which.reshape(-1), multiplies.steps[record], len(rows)))


class _Sums:
    """Follows the additions of each piece; an addition is known by `parts` + its number, a partial sum by its own."""

    def __init__(self, parts: int, ready: Numbers, ends: Numbers) -> None:
        self.parts = parts
        self.ready: list[int] = ready.tolist()
        self.ends: list[int] = ends.tolist()
        self.users: list[int] = []
        self.operands: list[int] = []
        self.places: Numbers = np.zeros(0, np.int64)
        self.finals: Numbers = np.zeros(0, np.int64)

    def follow(self, covered: tuple[Numbers, Numbers], adding: tuple[Numbers, Numbers]) -> None:
        """Pairs of a piece and a partial sum, and pairs of a piece and an addition in the order of time."""
        pieces = np.unique(adding[0])
        limits = np.searchsorted(covered[0], np.append(pieces, np.iinfo(np.int64).max)).tolist()
        turns = np.searchsorted(adding[0], np.append(pieces, np.iinfo(np.int64).max)).tolist()
        members, additions = covered[1].tolist(), adding[1].tolist()
        finals = [
            self._add(members[limits[i] : limits[i + 1]], additions[turns[i] : turns[i + 1]])
            for i in range(len(pieces))
        ]
        self.places, self.finals = pieces, np.array(finals, np.int64)

    def _add(self, members: list[int], additions: list[int]) -> int:
        """The sum that is left after the additions."""
        ready, ends, parts = self.ready, self.ends, self.parts
        there = [(ready[part], part) for part in members]
        heapify(there)
        for addition in additions:
            self.operands += (heappop(there)[1], heappop(there)[1])
            self.users += (addition, addition)
            heappush(there, (ends[addition], parts + addition))
        ((_, last),) = there
        return last


def _resolved(owners: Numbers, sums: Numbers, parts: Lists, additions: Numbers) -> tuple[Numbers, Numbers]:
    """Pairs of an owner and a step: the conversions of a partial sum, or the addition."""
    added = sums >= len(parts)
    steps, place = spread(parts, sums[~added])
    users = np.concatenate([owners[~added][place], owners[added]])
    return users, np.concatenate([steps, additions[sums[added] - len(parts)]])
