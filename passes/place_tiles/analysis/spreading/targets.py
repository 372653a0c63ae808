"""How long each stage should take: the least, or the least for what may be spent on driving rows more than once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from passes.place_tiles.analysis.spreading.dealing import (
    PLAIN_WAY,
    WAYS,
    WHOLE,
    Drive,
    Loads,
    OpenRoom,
    Piece,
    Way,
    deal,
)

_TRIES, _TRIED = 6, 80_000
"""How many targets are tried on the way to the fastest, and as many between that and whole drives, at most; and how
many drives of different stages, at most, in each of both."""


class Choice(NamedTuple):
    """What a stage takes [ps] and costs more [pJ] if no array may take longer than `target`, and its pieces."""

    time: int
    energy: float
    target: int
    pieces: tuple[Piece, ...]
    way: Way = PLAIN_WAY


_ByHeight = dict[int, tuple[list[int], list[Drive]]]


@dataclass
class Choices:
    """What stages may take on so many arrays of so many columns and ADCs; equal stages are looked at once."""

    arrays: int
    columns: int
    adcs: int
    all_ways: bool = False
    """Whether it is only of interest how fast a stage can be, but then by all ways to deal."""

    def of(self, stages: Mapping[int, Sequence[Drive]]) -> dict[int, list[Choice]]:
        """The choices of each stage, of which none is both faster and cheaper, the slowest first: no drive is cut.

        The more different stages there are, the fewer targets are tried.
        """
        keys = {stage: tuple(drives) for stage, drives in stages.items()}
        different = sum(len(key) for key in set(keys.values()))
        tries = min(_TRIES, _TRIED // max(1, different))
        known = {key: self._choices(key, tries) for key in set(keys.values())}
        return {stage: known[key] for stage, key in keys.items()}

    def _choices(self, drives: Sequence[Drive], tries: int) -> list[Choice]:
        of_height = _by_height(drives)
        whole = self._choice(of_height, WHOLE)
        if self.all_ways:
            return _front([whole, *(own for way in WAYS for own in self._fastest(of_height, whole.time, tries, way))])
        tried = [whole, *self._fastest(of_height, whole.time, tries, PLAIN_WAY)]
        fast = min(tried, key=lambda choice: choice.time).time
        targets = {int(fast * (whole.time / fast) ** (i / tries)) for i in range(1, tries)}
        return _front(tried + [self._choice(of_height, target) for target in sorted(targets)])

    def _choice(self, of_height: _ByHeight, target: int, way: Way = PLAIN_WAY) -> Choice:
        loads, pieces, energy = Loads(), list[Piece](), 0.0
        for height, (numbers, own) in of_height.items():
            dealt = deal(height, own, target, OpenRoom(self.arrays, self.columns), self.adcs, loads, way)
            assert dealt is not None, "there is room for all"
            pieces += [Piece(numbers[drive], *where) for drive, *where in dealt.pieces]
            energy += dealt.energy
        return Choice(max(loads.values()), energy, target, tuple(pieces), way)

    def _fastest(self, of_height: _ByHeight, whole: int, tries: int, way: Way) -> list[Choice]:
        """Choices on the way to the least target that is met, by bisection."""
        drives = [drive for _, own in of_height.values() for drive in own]
        times = (
            drive.time(columns, self.adcs, first) for drive in drives for first, columns in drive.dealt(way, self.adcs)
        )
        low = max(-(-sum(times) // self.arrays), max(drive.settle + drive.step for drive in drives))
        high, target, tried = whole, low, list[Choice]()
        while low < high and len(tried) < tries:
            tried.append(self._choice(of_height, target, way))
            if tried[-1].time <= target:
                high = target
            else:
                low, high = target + 1, min(high, tried[-1].time)
            target = (low + high) // 2
        return tried


def _by_height(drives: Sequence[Drive]) -> _ByHeight:
    """The drives of each height, the tallest first, with their numbers."""
    of_height: _ByHeight = {}
    for number in sorted(range(len(drives)), key=lambda number: (-drives[number].height, number)):
        numbers, own = of_height.setdefault(drives[number].height, ([], []))
        numbers.append(number)
        own.append(drives[number])
    return of_height


def _front(choices: Sequence[Choice]) -> list[Choice]:
    """Those that are faster than all that cost no more."""
    front: list[Choice] = []
    for choice in sorted(choices, key=lambda c: (c.energy, c.time)):
        if not front or choice.time < front[-1].time:
            front.append(choice)
    return front


def fastest(stages: Mapping[int, list[Choice]]) -> dict[int, Choice]:
    """The fastest choice of each stage."""
    return {stage: choices[-1] for stage, choices in stages.items()}


def best_for(stages: Mapping[int, list[Choice]], energy: float) -> dict[int, Choice]:
    """A choice for each stage: together they cost `energy` [pJ] at most, if that can be, and save as much time as that
    buys.

    From whole drives on, what saves most time for its energy is taken first, as long as there is some left for it.
    """
    steps: list[tuple[float, int, Choice, float]] = []
    for stage, choices in stages.items():
        before = choices[0]
        for choice in _hull(choices)[1:]:
            cost = choice.energy - before.energy
            steps.append(((before.time - choice.time) / max(cost, 1e-12), stage, choice, cost))
            before = choice
    chosen = {stage: choices[0] for stage, choices in stages.items()}
    energy -= sum(choice.energy for choice in chosen.values())
    stopped: set[int] = set()
    for _, stage, choice, cost in sorted(steps, key=lambda step: (-step[0], step[1])):
        if stage not in stopped and cost <= energy:
            chosen[stage], energy = choice, energy - cost
        else:
            stopped.add(stage)
    return chosen


def _hull(choices: Sequence[Choice]) -> list[Choice]:
    """The choices of which each next saves less time for its energy than the one before."""
    hull: list[Choice] = []
    for choice in choices:
        while len(hull) > 1 and _saves(hull[-1], choice) >= _saves(hull[-2], hull[-1]):
            hull.pop()
        hull.append(choice)
    return hull


def _saves(first: Choice, second: Choice) -> float:
    return (first.time - second.time) / max(second.energy - first.energy, 1e-12)
