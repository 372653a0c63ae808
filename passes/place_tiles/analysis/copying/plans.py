"""Plans: how often each weight is copied and how finely its tiles are cut, where weights have copies by themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from passes.analysis.places import Placement, Table
from passes.place_tiles.analysis.copying.balance import Loads, deal
from passes.place_tiles.analysis.copying.holds import Room

MOST_TRIED = 300_000
"""Tiles that are dealt out to find a better plan: more would take seconds."""
_TOGETHER = 0.7
"""Weights whose tiles take this share of what the longest takes are copied together with it."""
_BETTER = 0.999
"""What a change lowers the unevenness to, at least."""
_NORM = 16
"""Of what arrays have to do: the more, the less those count that have little to do."""
_ROWS, _COLUMNS = 2, 3


@dataclass(frozen=True)
class TimedTiles:
    """The tiles of a weight, and what each takes [tile, (settle, step)]: an array with a ADCs works for
    `settle + ceil(columns / a) * step` ps."""

    tiles: Table
    times: Table


@dataclass(frozen=True)
class Plan:
    """Each weight has so many `copies`, and tiles of so many `parts`; `places` are those of all tiles."""

    copies: tuple[int, ...]
    parts: tuple[int, ...]
    weights: Sequence[TimedTiles]
    places: Table
    loads: Loads
    """How long an array works for each tile [ps], on average over many vectors."""

    @cached_property
    def interval(self) -> float:
        """How long the array with most to do is busy with a vector [ps]."""
        return float(np.bincount(self.places[:, 0], self.loads).max(initial=0))

    @cached_property
    def unevenness(self) -> float:
        """Nearly the interval, but lower too if fewer arrays are as busy: the norm of what all arrays have to do."""
        busy = np.bincount(self.places[:, 0], self.loads)
        return float(np.linalg.norm(busy / self.interval, _NORM)) * self.interval if self.interval else 0.0

    def placements(self) -> list[Placement]:
        """Where each weight lies, in arrays without gaps between their numbers."""
        _, array = np.unique(self.places[:, 0], return_inverse=True)
        places = np.column_stack([array.reshape(-1), self.places[:, 1:]])
        ends = np.cumsum([count * len(weight.tiles) for weight, count in zip(self.weights, self.copies)])[:-1]
        groups = zip(self.weights, np.split(places, ends), self.copies)
        return [_placement(weight.tiles, own, count) for weight, own, count in groups]


def _placement(tiles: Table, places: Table, copies: int) -> Placement:
    """Copy after copy, the tiles of each by their first row and column."""
    order = np.lexsort([tiles[:, 1], tiles[:, 0]])
    whole = (np.arange(copies)[:, None] * len(tiles) + order).reshape(-1)
    return Placement(np.tile(tiles[order], (copies, 1)), places[whole], copies)


class Planner:
    """Makes plans for weights in some room, with so many copies of each as `counts` have, ascending."""

    def __init__(self, weights: Sequence[TimedTiles], room: Room, counts: Sequence[int]):
        self.weights, self.room, self.counts = weights, room, np.array(counts)
        self.cut: dict[tuple[int, int], TimedTiles] = {}
        self.tried = 0
        """Tiles that were dealt out for plans."""

    def plan(self, copies: Sequence[int], parts: Sequence[int]) -> Plan | None:
        """The plan with so many copies and parts of each weight; None if there is no room for it."""
        weights = [self._cut(number, count) for number, count in enumerate(parts)]
        counts = np.array(copies)
        sizes = np.array([np.prod(weight.tiles[:, [_ROWS, _COLUMNS]], axis=1).sum() for weight in weights])
        if (sizes * counts).sum() > self.room.arrays * self.room.cells:
            return None
        items = np.concatenate([_items(number, *both) for number, both in enumerate(zip(weights, copies))])
        loads = np.concatenate([np.tile(load_of(w, self.room.adcs) / c, c) for w, c in zip(weights, copies)])
        self.tried += len(items)
        places = deal(items, loads, self.room.arrays, self.room.rows, self.room.columns)
        return None if places is None else Plan(tuple(copies), tuple(parts), weights, places, loads)

    def plans(self) -> Iterator[Plan]:
        """Plans with more and more copies as long as there is room, of tiles as they are, in halves, and so on."""
        widest = max(int(weight.tiles[:, _COLUMNS].max(initial=0)) for weight in self.weights)
        parts = 1
        while parts == 1 or (widest > self.room.adcs * parts and self.tried < MOST_TRIED):
            yield from self._copied([parts] * len(self.weights))
            parts *= 2

    def _copied(self, parts: Sequence[int]) -> Iterator[Plan]:
        """Plans in which the weights whose tiles take longest are copied, twice as often each time or a bit less."""
        longest = np.array([self._longest(number, count) for number, count in enumerate(parts)])
        copies = np.ones(len(parts), np.int64)
        plan = self.plan(copies.tolist(), parts)
        while plan is not None:
            yield plan
            if self.tried >= MOST_TRIED:
                return
            each = longest / copies
            order = np.argsort(-each, kind="stable")
            chosen = order[(each[order] >= _TOGETHER * each.max()) & (copies[order] < self.counts[-1])]
            plan = None
            while plan is None and len(chosen):
                more = copies.copy()
                more[chosen] = self.counts[np.searchsorted(self.counts, 2 * copies[chosen], "right") - 1]
                plan, chosen = self.plan(more.tolist(), parts), chosen[: len(chosen) // 2]
                copies = copies if plan is None else more

    def improved(self, plan: Plan, aim: float) -> Plan:
        """The plan, or what becomes of it by changes of one weight after the other, until it is as good as `aim`.

        Each weight in turn, those with most to do first, gets the number of copies and of parts that is best for all as
        long as others keep theirs; again and again, until no change helps.
        """
        work = [float(load_of(weight, self.room.adcs).sum()) for weight in self.weights]
        order, unchanged = np.argsort(-np.array(work), kind="stable").tolist(), 0
        while unchanged < len(order):
            for number in order:
                better = min(self._changes(plan, number), key=lambda new: new.unevenness, default=plan)
                unchanged += 1
                if better.unevenness < _BETTER * plan.unevenness:
                    plan, unchanged = better, 0
                if plan.interval <= aim or self.tried >= MOST_TRIED or unchanged >= len(order):
                    return plan
        return plan

    def _changes(self, plan: Plan, number: int) -> Iterator[Plan]:
        """The plans in which one weight has other numbers of copies and parts, as long as there is time to try them."""
        widest = int(self.weights[number].tiles[:, _COLUMNS].max(initial=0))
        for copies in self.counts.tolist():
            for parts in _powers(max(1, -(-widest // self.room.adcs))):
                if self.tried < MOST_TRIED and (copies, parts) != (plan.copies[number], plan.parts[number]):
                    new = self.plan(_with(plan.copies, number, copies), _with(plan.parts, number, parts))
                    if new is not None:
                        yield new

    def _longest(self, number: int, parts: int) -> float:
        """What takes longest of the tiles of a weight [ps]."""
        weight = self._cut(number, parts)
        return float(load_of(weight, self.room.adcs).max(initial=0.0))

    def _cut(self, number: int, parts: int) -> TimedTiles:
        key = number, parts
        if key not in self.cut:
            self.cut[key] = cut_columns(self.weights[number], parts, self.room.adcs)
        return self.cut[key]


def _powers(most: int) -> Iterator[int]:
    """1, 2, 4, ... up to `most`."""
    return (1 << i for i in range(most.bit_length()))


def _with(numbers: Sequence[int], place: int, number: int) -> list[int]:
    return [*numbers[:place], number, *numbers[place + 1 :]]


def _items(number: int, weight: TimedTiles, copies: int) -> npt.NDArray[np.int64]:
    """The tiles of all copies of a weight as rows ITEM."""
    copy = np.repeat(np.arange(copies), len(weight.tiles))
    sizes = np.tile(weight.tiles[:, [_ROWS, _COLUMNS]], (copies, 1))
    return np.column_stack([np.full_like(copy, number), copy, sizes])


def load_of(weight: TimedTiles, adcs: int) -> Loads:
    """How long an array works for each of these tiles of a weight [ps]."""
    settle, step = weight.times.T
    return (settle + -(-weight.tiles[:, _COLUMNS] // adcs) * step).astype(np.float64)


def cut_columns(weight: TimedTiles, parts: int, adcs: int) -> TimedTiles:
    """A weight with tiles of so many parts at most, in each of which all ADCs convert at a time."""
    tiles = weight.tiles
    width = np.where(tiles[:, _COLUMNS] > adcs, -(-tiles[:, _COLUMNS] // (parts * adcs)) * adcs, tiles[:, _COLUMNS])
    count = -(-tiles[:, _COLUMNS] // width)
    pieces, each = np.repeat(tiles, count, axis=0), np.repeat(width, count)
    before = (np.arange(len(pieces)) - np.repeat(np.cumsum(count) - count, count)) * each
    pieces[:, 1] += before
    pieces[:, _COLUMNS] = np.minimum(each, pieces[:, _COLUMNS] - before)
    return TimedTiles(pieces, np.repeat(weight.times, count, axis=0))
