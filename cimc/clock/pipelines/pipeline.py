"""Many tokens in flight: a modulo schedule, in which all that happens for one token happens again every interval."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cimc.clock.graph import Kind, Steps
from cimc.clock.lists import Numbers
from cimc.clock.pipelines.loads import NO_LOAD, Load, loads_of
from cimc.clock.pipelines.placing import Placing
from cimc.clock.pipelines.plan import Plan
from cimc.program.times.pipeline import no_moves

Recurrences = Sequence[tuple[int, int]]
"""Pairs of steps: the second, for a token, needs what the first makes for the token before."""
Hint = tuple[int, Numbers]
"""The interval of a schedule that is known, and when steps start in it [ps]."""
GROWTH = (1, 1.01, 1.03, 1.1, 1.5, 2.5, 4, 12)
"""How much longer than the longest load the first intervals are that are tried, until one has room."""
LONG, MIDDLING = 40, 100
"""Operators are long, or not short, that take more than this part of the longest load."""
SHORTER = 2
"""How much shorter than the shortest interval found the next one is at most."""
LONGER = (1.004, 1.02)
"""How much longer than the longest load intervals are that are tried for a shorter way through the chip."""
NEAR = 1.004
"""Intervals that are this near to each other are not told apart."""
FEW = 16
"""So few tokens are done soonest where each has a short way through the chip."""
ROUNDS = 6
"""How often steps that read what the token before makes are put off until it is there."""


@dataclass(frozen=True)
class Effort:
    """How long intervals are searched for."""

    attempts: int
    """to place all steps, after the first interval that has room; at most `placed` are placed all in all"""
    placed: int
    few: int
    """steps until which attempts go on in any case"""
    repairs: int
    """times that what found no room is placed before all others, for one interval"""
    small: int
    """steps until which all orders are tried, however near to the bound one is"""


QUICK, THOROUGH = Effort(8, 120_000, 8_000, 3, 8_000), Effort(24, 1_000_000, 400_000, 24, 16_000)


@dataclass(frozen=True, eq=False)
class Modulo:
    """A modulo schedule: arrays have a number for each step, times in ps."""

    interval: int
    starts: Numbers
    latency: int
    """when a token is done"""
    units: Mapping[int, Sequence[int]]
    """the resources of operators, by step"""
    bound: Load
    """the resource that no interval can be shorter for"""
    moves: Numbers = field(default_factory=no_moves)
    """what arrays move by themselves, as in a `Pipeline`; the starts of steps end with theirs"""

    def total(self, tokens: int) -> int:
        """When so many tokens are done."""
        return self.latency + (tokens - 1) * self.interval


def pipeline_of(
    steps: Steps,
    recurrences: Recurrences = (),
    tokens: int = 512,
    effort: Effort = QUICK,
    hint: Hint | None = None,
    outside: Load = NO_LOAD,
) -> Modulo:
    """The modulo schedule, of those that were tried, in which `tokens` tokens are done first.

    Intervals from the longest load of a resource on are tried until one has room for all steps; `outside` is the load
    of something that no step occupies.
    """
    return _Search(steps, recurrences, tokens, effort, outside).best(hint)


@dataclass(eq=False)
class _Search:
    steps: Steps
    recurrences: Recurrences
    tokens: int
    effort: Effort
    outside: Load
    schedules: list[Modulo] = field(default_factory=list[Modulo])
    placed: int = 0

    def __post_init__(self) -> None:
        self.plan = Plan(self.steps)
        self.bound = max(*loads_of(self.steps), self.outside)
        self.lowest = max(1, self.bound.time_ps)
        self.bound_to_turns = max(self.plan.most, default=1) > 1 and not self.steps.apart
        """whether a stage works with several copies: then none is placed before others, to be moved by intervals"""

    def best(self, hint: Hint | None) -> Modulo:
        self._first()
        if hint is not None and not self.bound_to_turns:
            interval, starts = hint
            begins = {task: int(starts[self.plan.inputs[task]].min()) % interval for task in self.plan.stages}
            if interval < self.shortest:
                self._try(max(interval, self.lowest), sorted(self.plan.stages, key=lambda task: begins[task]), 0)
        orders = [self._long_operators(), *self._orders()]
        reached = [self.lowest - 1] * len(orders)  # no order has room at what it has reached
        self.placed = 0
        effort = self.effort
        most = max(effort.few, min(effort.placed, effort.attempts * len(self.steps)))
        large = len(self.steps) > effort.small and self.shortest < GROWTH[2] * self.lowest
        while self.placed < most and orders and not large:
            order, low = orders.pop(), reached.pop()
            if self.shortest > max(low * NEAR, low + 1):
                middle = max(int((low * self.shortest) ** 0.5), int(self.shortest / SHORTER), low + 1)
                success = self._try(middle, order, effort.repairs)
                place = len(orders) if success else 0  # the next one that is tried, or the last
                orders.insert(place, order)
                reached.insert(place, low if success else middle)
        if len(self.steps) <= effort.small:
            self._shorten()
        return min(self.schedules, key=lambda schedule: schedule.total(self.tokens))

    def _shorten(self) -> None:
        """Notes schedules with a shorter way through the chip, of hardly longer intervals."""
        for longer in LONGER:
            interval = int(self.lowest * longer)
            if self.tokens * interval < min(schedule.total(self.tokens) for schedule in self.schedules):
                for order in (*self._orders(), self._long_operators()):
                    self._try(interval, order, 0)

    def _long_operators(self, part: int = LONG) -> list[int]:
        """Operators that find no room once shorter ones lie in between: they are placed before all else."""
        if self.bound_to_turns:
            return []
        steps = self.steps
        works = (steps.kind == Kind.OPERATOR) & (steps.units > 0) & (steps.duration * part > self.lowest)
        longest = sorted(np.flatnonzero(works).tolist(), key=lambda step: -self.plan.duration[step])
        return self.plan.of_step[longest].tolist()

    @property
    def shortest(self) -> int:
        return min(schedule.interval for schedule in self.schedules)

    def _first(self) -> None:
        """Notes a schedule, with whatever interval."""
        interval, tries = 0, list(GROWTH if len(self.steps) <= self.effort.small else GROWTH[1:])
        # what is placed first may wait for whole intervals, which a token must not that the next one waits for
        ahead = list(self._orders())
        orders = [*ahead[:1], *ahead[2:], self._long_operators(), []]
        while not self.schedules:
            interval = int(self.lowest * tries.pop(0)) if tries else interval * 4
            assert interval < 1 << 62, "no interval is long enough"
            for order in orders if self.tokens > FEW else orders[-2:]:
                if self._try(interval, list(order), 0) and len(self.steps) > self.effort.small:
                    break

    def _orders(self) -> Iterator[list[int]]:
        """Stages to place before all others, but for long operators: in the order of the program, or those first that
        have the most work; and in the order of the program behind shorter operators, too."""
        if self.bound_to_turns:
            return
        alone, start = self.plan.alone, self.steps.start
        first = self._long_operators()
        in_order = sorted(self.plan.stages, key=lambda t: min(start[i] for i in self.plan.inputs[t]))
        yield first + in_order
        yield first + sorted(self.plan.stages, key=lambda t: -sum(hold[2] for hold in alone[t]))
        yield self._long_operators(MIDDLING) + in_order

    def _try(self, interval: int, order: list[int], repairs: int) -> bool:
        """Notes a schedule with this interval if one is found."""
        for _ in range(1 + repairs):
            placing = self._placed(interval, order)
            if placing is not None and placing.failed < 0:
                starts = np.array(placing.start, np.int64)
                self.schedules.append(Modulo(interval, starts, placing.latency, placing.taken, self.bound))
                return True
            if placing is None or self.bound_to_turns or order[:1] == [placing.failed]:
                return False
            if self.plan.kind[self.plan.members[placing.failed][0]] == Kind.PERMUTATION:
                return False
            order[:] = [placing.failed, *(task for task in order if task != placing.failed)]
        return False

    def _placed(self, interval: int, order: Sequence[int]) -> Placing | None:
        """An attempt that keeps to the recurrences; None if they make no progress."""
        releases: dict[int, int] = {}
        for _ in range(ROUNDS):
            placing = Placing(self.plan, interval, releases)
            has_room = placing.run(order)
            self.placed += placing.placed
            if not has_room:
                return placing
            late = [
                (reader, placing.end[maker] - interval)
                for maker, reader in self.recurrences
                if placing.start[reader] < placing.end[maker] - interval
            ]
            if not late:
                return placing
            for reader, release in late:
                releases[reader] = max(releases.get(reader, 0), release)
        return None
