"""One attempt to place all steps of a token so that the next token can do the same an interval later."""

from collections.abc import Mapping, Sequence
from functools import partial
from heapq import heapify, heappop, heappush

from cimc.clock.graph import Kind, Pool
from cimc.clock.pipelines.plan import Plan
from cimc.clock.pipelines.reservation import Circle, Sets
from cimc.clock.pipelines.turns import EVER, Turns, Uses

ROUNDS = 4
"""For how many periods of tokens a stage is put off that shares arrays with others of which there are copies."""
STUCK = 24
"""Into how many parts an interval is cut where a stage holds registers for too long and tries to start later."""


class Placing:
    """Starts of steps, and which units operators take; what is placed stays where it is.

    Tasks are placed where they are as early as what they need and their resources allow, those first from which it is
    furthest to the end. Some stages and operators may be placed before all others, at the first times within the
    interval at which they find room: they start as many intervals later as what they need makes necessary.
    """

    def __init__(self, plan: Plan, interval: int, releases: Mapping[int, int]) -> None:
        self.plan, self.interval, self.releases = plan, interval, releases
        buffers, pools = plan.steps.buffers, plan.steps.pools
        sets = partial(Sets.of, count=buffers)
        self.uses = [Uses(interval, most) for most in plan.most]
        self.ahead = False
        """whether what is placed is moved by whole intervals later"""
        self.sets = [Turns(interval, most, sets) for most in plan.most[: pools[0].start]]
        self.exclusive = buffers == 1
        """whether registers keep activations of an array apart"""
        self.start = [0] * len(plan.duration)
        self.end = [0] * len(plan.duration)
        self.taken: dict[int, list[int]] = {}
        """the units of operators"""
        self.phases: dict[int, tuple[int, dict[int, int]]] = {}
        """tasks placed before all others: where they begin, and where their steps do"""
        self.booked: dict[int, list[tuple[Turns[Circle] | Turns[Sets], int, int]]] = {}
        """and what they have reserved where a token may be in its own way: from when, and for how long"""
        self.placed = 0
        """how many steps have been, those of a stage each time that it was tried"""
        self.failed = -1
        """the task that found no room"""

    def run(self, first: Sequence[int] = ()) -> bool:
        """Place all tasks, those in `first` before all others; False if one finds no room."""
        plan = self.plan
        self.ahead = True
        for task in first:
            starts = self._stage(task, 0) if task in plan.inputs else self._operator(task)
            if starts is None:
                self.failed = task
                return False
            self.phases[task] = min(starts.values()), starts
        self.ahead = False
        missing = list(plan.before)
        heap = [(-plan.height[task], task) for task, count in enumerate(missing) if not count]
        heapify(heap)
        while heap:
            _, task = heappop(heap)
            if not self._place(task):
                self.failed = task
                return False
            for after in plan.after[task]:
                missing[after] -= 1
                if not missing[after]:
                    heappush(heap, (-plan.height[after], after))
        return True

    @property
    def latency(self) -> int:
        """When a token is done."""
        return max(self.end, default=0)

    def _place(self, task: int) -> bool:
        if task not in self.plan.inputs and task not in self.phases:
            return self._step(self.plan.members[task][0])
        inputs = self.plan.inputs.get(task, self.plan.members[task])
        if task in self.phases:
            begin, starts = self.phases[task]
            ready = max(self._ready(step) - starts[step] + begin for step in inputs)
            later = self._settled(task, ready + (begin - ready) % self._turn(task) - begin)
        else:
            placed = self._stage(task, max(map(self._ready, inputs)))
            if placed is None:
                return False
            starts, later = placed, 0
        for step, start in starts.items():
            self.start[step], self.end[step] = start + later, start + later + self.plan.duration[step]
        return True

    def _turn(self, task: int) -> int:
        """After what time the task does the same again: tokens that follow use other copies of its weights."""
        return self.interval * self.plan.copies[task]

    def _settled(self, task: int, later: int) -> int:
        """How much later a task takes place than where it was placed ahead, so that the token is not in its own way."""
        booked, turn = self.booked.get(task, ()), self._turn(task)
        while clash := max([book.clash(start + later, time) for book, start, time in booked], default=0):
            later += -(-clash // turn) * turn
        for book, start, time in booked:
            book.settle(start + later, time)
        return later

    def _book(self, task: int, book: Turns[Circle] | Turns[Sets], start: int, duration: int) -> None:
        if self.ahead and book.line is not None:
            self.booked.setdefault(task, []).append((book, start, duration))

    def _ready(self, step: int) -> int:
        ready = self.releases.get(step, 0)
        for needed in self.plan.needs[step]:
            if self.end[needed] > ready:
                ready = self.end[needed]
        return ready

    def _step(self, step: int) -> bool:
        """An operator or a permutation."""
        begin, duration = self._ready(step), self.plan.duration[step]
        if duration and self.plan.units[step]:
            placed = self._on_units(step, begin, duration)
            if placed is None:
                return False
            begin = placed
        self.start[step], self.end[step] = begin, begin + duration
        return True

    def _operator(self, task: int) -> dict[int, int] | None:
        """The start of an operator's step, as early in the interval as there are units for it."""
        (step,) = self.plan.members[task]
        begin = self._on_units(step, 0, self.plan.duration[step])
        return None if begin is None else {step: begin}

    def _on_units(self, step: int, ready: int, duration: int) -> int | None:
        """When as many units are free at once as the step takes: those that have done something else until then."""
        count, begin = self.plan.units[step], ready
        self.placed += 1
        operator = self.plan.kind[step] == Kind.OPERATOR
        units = self.plan.steps.pools[self.plan.pool[step]] if operator else self.plan.resources[step]
        latest, turns = self._latest(ready, [units[0]]), self.plan.turns[step]
        while begin <= latest:
            waits = [(wait, unit) for unit in units if (wait := self._wait(unit, begin, duration, turns)) is not None]
            if len(waits) < count:
                return None
            free = [unit for wait, unit in waits if not wait]
            if len(free) >= count:
                if len(free) > count:
                    free.sort(key=lambda unit: self.uses[unit].idle(begin))
                self.taken[step] = sorted(free[:count])
                for unit in self.taken[step]:
                    self.uses[unit].add(begin, duration, *turns, ahead=self.ahead)
                    self._book(self.plan.of_step_list[step], self.uses[unit], begin, duration)
                return begin
            waits.sort()
            begin += waits[count - 1][0]
        return None

    def _wait(self, unit: int, begin: int, duration: int, turns: tuple[int, int]) -> int | None:
        uses = self.uses[unit]
        if uses.line is None:
            return uses.book.wait(begin, duration)
        return uses.wait(begin, duration, *turns, ahead=self.ahead)

    def _stage(self, task: int, ready: int) -> dict[int, int] | None:
        """The starts of a stage's steps, `ready` at the earliest; what it takes is reserved."""
        if task in self.plan.rigid:
            return self._block(task, ready)
        begin = ready
        latest = self._latest(ready, [array for array, *_ in self.plan.alone[task]])
        while begin <= latest:
            room = self._room(task, begin, latest)
            laid = None if room is None else self._laid(task, room)
            if room is None or laid is None:
                break
            begin = room
            starts, reserved = laid
            ends = {step: start + self.plan.duration[step] for step, start in starts.items()}
            holds = self.plan.holds(task, starts, ends)
            later = 0
            for array, first, time, copies, copy in holds:
                wait = self.sets[array].wait(first, time, copies, copy, ahead=self.ahead)
                later = max(later, self.interval // STUCK + 1 if wait is None else wait)
            if not later:
                for array, first, time, copies, copy in holds:
                    self.sets[array].add(first, time, copies, copy, ahead=self.ahead)
                    self._book(task, self.sets[array], first, time)
                for resource, step, start in reserved:
                    self._book(task, self.uses[resource], start, self.plan.duration[step])
                return starts
            self._give_back(reserved)
            begin += later
        self.failed = task
        return None

    def _block(self, task: int, ready: int) -> dict[int, int] | None:
        """The same of a stage whose steps start as far apart wherever it finds room."""
        ((array, _, time, copies, copy),) = self.plan.alone[task]
        self.placed += len(self.plan.members[task])
        wait = self.sets[array].wait(ready, time, copies, copy, ahead=self.ahead)
        if wait is None or wait > self._latest(0, (array,)):
            self.failed = task
            return None
        begin = ready + wait
        self.sets[array].add(begin, time, copies, copy, ahead=self.ahead)
        self._book(task, self.sets[array], begin, time)
        return {step: begin + offset for step, offset in self.plan.offsets[task].items()}

    def _latest(self, ready: int, resources: Sequence[int]) -> int:
        """Until when there is room if there ever is; with copies of weights a token may be in its own way first."""
        most = max(self.plan.most[resource] for resource in resources)
        return ready + self.interval * most * (1 if most == 1 else ROUNDS)

    def _room(self, task: int, begin: int, latest: int) -> int | None:
        """When registers are free for as long as the stage needs them if nothing else holds it up."""
        settled = False
        while not settled:
            settled = True
            for array, first, time, copies, copy in self.plan.alone[task]:
                wait = self.sets[array].wait(begin + first, time, copies, copy, ahead=self.ahead)
                if wait is None or begin + wait > latest:
                    return None
                if wait:
                    begin, settled = begin + wait, False
        return begin

    def _laid(self, task: int, begin: int) -> tuple[dict[int, int], list[tuple[int, int, int]]] | None:
        """The starts of a stage's steps if it begins then, and which resources they reserve, by step and start."""
        plan, starts, free = self.plan, dict[int, int](), dict[int, int]()
        self.placed += len(plan.members[task])
        reserved: list[tuple[int, int, int]] = []
        own: dict[int, Circle] = {}
        for step in plan.members[task]:
            kind, duration, start = plan.kind[step], plan.duration[step], begin
            if kind != Kind.INWARD:
                start = max(starts[needed] + plan.duration[needed] for needed in plan.needs[step])
            if plan.units[step]:
                resource = plan.resources[step][0]
                if kind == Kind.ACTIVATION:
                    start = max(start, free.get(resource, 0))
                    free[resource] = start + duration
                if kind != Kind.ACTIVATION or not self.exclusive:
                    resource = self._link(step, resource, start, duration)
                    room = self._apart(resource, start, step, own)
                    if room is None:
                        self._give_back(reserved)
                        return None
                    start = room
                    free[resource] = start + duration
                    self.uses[resource].add(start, duration, *plan.turns[step], ahead=self.ahead)
                    reserved.append((resource, step, start))
                    if resource in plan.steps.pools[Pool.LINKS]:
                        self.taken[step] = [resource]
            starts[step] = start
        if not self.exclusive:
            self._hurry(task, starts)
        return starts, reserved

    def _apart(self, resource: int, start: int, step: int, own: dict[int, Circle]) -> int | None:
        """From `start` on when a resource is free for a step; ahead, what the stage does there for all copies is kept
        apart as well, in `own`."""
        duration, settled = self.plan.duration[step], False
        while not settled:
            wait = self.uses[resource].wait(start, duration, *self.plan.turns[step], ahead=self.ahead)
            if wait is None:
                return None
            start, settled = start + wait, True
            if self.ahead and self.uses[resource].line is not None:
                line = own.setdefault(resource, Circle(EVER))
                later = line.wait(start, duration) or 0
                start, settled = start + later, not later
                if settled:
                    line.add(start, duration)
        return start

    def _link(self, step: int, resource: int, start: int, duration: int) -> int:
        """What the step takes: if an array moves by itself, the first link that has room."""
        links = self.plan.steps.pools[Pool.LINKS]
        if not self.plan.steps.apart or resource not in links:
            return resource
        waits: list[tuple[int, int, int]] = []
        for other in (*range(resource, links.stop), *range(links.start, resource)):
            wait = self.uses[other].wait(start, duration, *self.plan.turns[step], ahead=self.ahead)
            if wait == 0:
                return other
            waits += [] if wait is None else [(wait, len(waits), other)]
        return min(waits, default=(0, 0, resource))[2]

    def _hurry(self, task: int, starts: dict[int, int]) -> None:
        """Vectors move in only just before they are used, as they hold registers from then on."""
        plan = self.plan
        used: dict[int, int] = {}
        for step in plan.members[task]:
            if plan.kind[step] == Kind.ACTIVATION:
                for needed in plan.needs[step]:
                    used[needed] = min(used.get(needed, starts[step]), starts[step])
        for step, start in used.items():
            if not plan.units[step]:
                starts[step] = start - plan.duration[step]

    def _give_back(self, reserved: Sequence[tuple[int, int, int]]) -> None:
        for resource, step, start in reserved:
            self.uses[resource].remove(start, self.plan.duration[step], *self.plan.turns[step], ahead=self.ahead)
