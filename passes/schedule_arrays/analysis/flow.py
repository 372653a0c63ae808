"""The schedule of a block by its data flow: each step begins when what it reads, and what it runs on, is there."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from passes.analysis.cost.digital import Unit
from passes.analysis.stages.additions import second, vectors
from passes.analysis.stages.resources import Resources
from passes.analysis.timing import LONGEST_PS, check_time
from passes.schedule_arrays.analysis.arrays import Arrays
from passes.schedule_arrays.analysis.in_flight import ProductInFlight, StageInFlight, SumInFlight
from passes.schedule_arrays.analysis.links import Links, Move
from passes.schedule_arrays.analysis.paths import longest_paths
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.registers import Registers
from passes.schedule_arrays.analysis.steps import Moved, Operator, Permutation, Run, Stage, Step, Times, TooLate
from passes.schedule_arrays.analysis.units import Units

Table = npt.NDArray[np.int64]


def schedule_flow(
    steps: Sequence[Step], prepared: Mapping[int, PreparedStage], resources: Resources, begin: int = 0
) -> list[Times]:
    """When each of the steps runs, from `begin` on [ps]; `prepared` are the stages, by their numbers among the steps.

    A list schedule: time goes on from one event to the next, and whatever is ready then begins as long as there is
    something free for it, what has the longest path to the end first. Raises TooLate for an operator that ends too
    late, UserError if something else does.
    """
    flow = _Flow(steps, prepared, resources, begin)
    flow.run()
    return [flow.stages[i].times() if isinstance(step, Stage) else flow.times[i] for i, step in enumerate(steps)]


class _Flow:
    """Time, what happens in it, and what waits."""

    def __init__(
        self, steps: Sequence[Step], prepared: Mapping[int, PreparedStage], resources: Resources, begin: int
    ) -> None:
        self.steps, self.resources, self.now = steps, resources, begin
        results = (len(step.products) if isinstance(step, Stage) else 1 for step in steps)
        self.first = list(accumulate(results, initial=0))
        """The number of the first value that each step makes."""
        self.paths = longest_paths(steps, prepared, self.first, resources)
        count = 1 + max((int(stage.arrays.max(initial=-1)) for stage in prepared.values()), default=-1)
        self.arrays, self.registers = Arrays(count, begin), Registers(count, resources.buffers)
        self.stages = {number: self._in_flight(number, stage) for number, stage in sorted(prepared.items())}
        self.digital: Units[int | SumInFlight] = Units(0, resources.digital_units)
        self.attention: Units[int | SumInFlight] = Units(resources.digital_units, resources.attention_units)
        self.links = Links(resources.links)
        self.times: dict[int, Run | Moved] = {}
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self.order = 0
        self.there: list[int] = []
        """Values that nobody who reads them knows of yet."""
        self.readers: list[list[tuple[int, int]]] = [[] for _ in range(self.first[-1])]
        """Who reads each value: a step, and which of its vectors, or 0."""
        self.missing: dict[tuple[int, int], int] = {}
        """How many values each of them still waits for."""

    def _in_flight(self, number: int, stage: PreparedStage) -> StageInFlight:
        turns = self.registers.turns(stage.arrays)
        return StageInFlight(stage, turns, self.first[number], self.paths.converted[number], self.paths.outs[number])

    def run(self) -> None:
        """Let everything happen."""
        for number, step in enumerate(self.steps):
            for vector, needs in enumerate(step.needs if isinstance(step, Stage) else (step.needs,)):
                values = set(needs)
                self.missing[number, vector] = len(values)
                for value in values:
                    self.readers[value].append((number, vector))
        for (number, vector), missing in self.missing.items():
            if not missing:
                self._ready(number, vector)
        self._begin()
        while self.events:
            self.now = self.events[0][0]
            while self.events and self.events[0][0] == self.now:
                heappop(self.events)[2]()
            self._begin()
        assert not self.registers.waiting, "a vector waits for registers that nobody gives back"

    def _at(self, time: int, action: Callable[[], None]) -> None:
        """Something happens at that time; UserError if that is too late."""
        check_time(time)
        heappush(self.events, (time, self.order, action))
        self.order += 1

    def _begin(self) -> None:
        """Let all begin that can begin now."""
        self._pass_on()
        for move, moved in self.links.begin(self.now):
            move.begin(moved)
        for product in self.arrays.begin(self.now):
            self._converting(product)
        for units in (self.digital, self.attention):
            for work, numbers in units.begin(self.now):
                if isinstance(work, SumInFlight):
                    self._add(work, numbers[0])
                else:
                    self._run(work, numbers)

    # Values.

    def _made(self, value: int) -> None:
        """A value is there; those who read it shall know of it."""
        self.there.append(value)

    def _pass_on(self) -> None:
        """Tell those who read the new values; what takes no time makes more of them at once."""
        while self.there:
            for number, part in self.readers[self.there.pop()]:
                self.missing[number, part] -= 1
                if not self.missing[number, part]:
                    self._ready(number, part)

    def _ready(self, number: int, part: int) -> None:
        """All that a step, or a vector of a stage, waits for is there."""
        step = self.steps[number]
        if isinstance(step, Stage):
            self._move_in(number, part)
        elif isinstance(step, Permutation):
            self.links.add(self.paths.steps[number], Move(step.picoseconds, partial(self._permute, number)))
        elif step.is_free:
            self.times[number] = Run((), self.now, 0)
            self._made(self.first[number])
        else:
            units = self.digital if step.cost.unit is Unit.VECTOR else self.attention
            units.add(self.paths.steps[number], step.cost.units, step.cost.picoseconds, number)

    def _run(self, number: int, units: tuple[int, ...]) -> None:
        step = self.steps[number]
        assert isinstance(step, Operator)
        run = Run(units, self.now, step.cost.picoseconds)
        if run.end > LONGEST_PS:
            raise TooLate(number, run.end)
        self.times[number] = run
        self._at(run.end, partial(self._made, self.first[number]))

    def _permute(self, number: int, moved: Moved) -> None:
        self.times[number] = moved
        self._at(moved.end, partial(self._made, self.first[number]))

    # Stages: vectors move in, activations and additions make products of them, which move out.

    def _move_in(self, number: int, vector: int) -> None:
        stage = self.stages[number]
        move = Move(
            stage.prepared.stage.ins[vector],
            partial(self._moving_in, number, vector),
            partial(self._may_move_in, number, vector),
        )
        self.links.add(self.paths.ins[number][vector], move)

    def _may_move_in(self, number: int, vector: int) -> bool:
        """Take sets of registers in all arrays that the vector goes to and in which the stage has none."""
        stage = self.stages[number]
        to = stage.prepared.arrays_of_vectors[vector]
        to = to[~stage.taken[to]]
        arrays = stage.prepared.arrays[to]
        if not self.registers.take(arrays, stage.turns[to], (number, vector)):
            return False
        stage.taken[to] = True
        self._awake(arrays)
        return True

    def _moving_in(self, number: int, vector: int, moved: Moved) -> None:
        stage = self.stages[number]
        stage.ins[vector] = moved
        self._at(moved.end, partial(self.arrays.arrived, stage, vector))

    def _converting(self, product: ProductInFlight) -> None:
        """It is known when each part of a product is converted, and so when sums can be added."""
        prepared, number = product.stage.prepared, product.number
        jobs = slice(*prepared.limits[number : number + 2])
        activation = prepared.activations.of_job[jobs]
        end = product.stage.start[activation] + prepared.activations.duration[activation]
        parts = prepared.stage.products[number].parts(end)
        sums = [SumInFlight(product, v) for v in vectors(number, parts, self.resources.vector_width)]
        product.parts = 1 + len(sums)
        self._at(int(end.max(initial=self.now)), partial(self._part, product))
        for sum_ in sums:
            self._at(max(self.now, second(sum_.vector.ready)), partial(self._two_sums, sum_))

    def _two_sums(self, sum_: SumInFlight) -> None:
        """Two partial sums are there; additions take about as many rounds as the logarithm of how many there are."""
        rounds = (len(sum_.vector.ready) - 1).bit_length()
        path = sum_.product.path + rounds * self.resources.add_ps
        self.digital.add(path, 1, self.resources.add_ps, sum_)

    def _add(self, sum_: SumInFlight, unit: int) -> None:
        vector, end = sum_.vector, self.now + self.resources.add_ps
        heappop(vector.ready)
        heappop(vector.ready)
        heappush(vector.ready, end)
        sum_.product.adds.append((vector.first, vector.columns, unit, self.now))
        is_last = len(vector.ready) == 1
        if not is_last:
            self._at(max(self.now, second(vector.ready)), partial(self._two_sums, sum_))
        self._at(end, partial(self._added, sum_, is_last))

    def _added(self, sum_: SumInFlight, is_last: bool) -> None:
        """A unit is free again, and perhaps all partial sums are one."""
        if is_last:
            self._part(sum_.product)

    def _part(self, product: ProductInFlight) -> None:
        """A part of a product is done; with the last one, it moves out."""
        product.parts -= 1
        if not product.parts:
            duration = product.stage.prepared.stage.outs[product.number]
            self.links.add(product.path, Move(duration, partial(self._moving_out, product)))

    def _moving_out(self, product: ProductInFlight, moved: Moved) -> None:
        product.stage.outs[product.number] = moved
        self._at(moved.end, partial(self._out, product))

    def _out(self, product: ProductInFlight) -> None:
        """A product is out, and registers are free for other stages where it was the last one."""
        arrays = product.stage.left(product.number)
        self.registers.give_back(arrays)
        self._awake(arrays)
        self._made(product.value)

    def _awake(self, arrays: Table) -> None:
        for number, vector in self.registers.awake(arrays):
            self._move_in(number, vector)
