"""Random blocks, and what every schedule of one must keep, whoever made it."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from passes.analysis.cost.digital import OperatorCost, Unit
from passes.analysis.stages.activations import Occupancy
from passes.analysis.stages.products import Product
from passes.analysis.stages.resources import Resources
from passes.analysis.timing import ArrayTimes
from passes.schedule_arrays.analysis.prepared import PreparedStage
from passes.schedule_arrays.analysis.steps import Moved, Operator, Permutation, Row, Run, Stage, StageTimes, Times

Block = tuple[list[Row], Occupancy, Resources]
_SIDE = 4


def _resources(random: Random) -> Resources:
    times = ArrayTimes(random.randint(0, 20), random.randint(1, 2), (1, 2, 3))
    buffers, links = random.randint(1, 2), random.choice([None, None, 1, 2])
    return Resources(times, random.randint(1, 3), random.randint(0, 9), random.randint(1, 4), 2, buffers, links)


def _product(random: Random, source: int) -> Product:
    """A few tiles anywhere in three arrays of 4x4."""
    count = random.randint(1, 4)
    sizes = [(random.randint(1, 3), random.randint(1, 3)) for _ in range(count)]
    tiles = [(4 * (i // 2), 4 * (i % 2), *size) for i, size in enumerate(sizes)]
    places = [(random.randrange(3), random.randint(0, _SIDE - h), random.randint(0, _SIDE - w)) for h, w in sizes]
    groups = [(i, 0, rows, random.randint(1, 3), 0, 0) for i, (rows, _) in enumerate(sizes)]
    tables = [np.array(table, np.int64) for table in (tiles, places, groups)]
    return Product(tables[0], tables[1], tables[2], source, random.randint(1, 8))


def _operator(random: Random, needs: list[int], resources: Resources) -> Operator:
    unit = random.choice(list(Unit))
    most = {Unit.NONE: 0, Unit.VECTOR: resources.digital_units, Unit.ATTENTION: resources.attention_units}[unit]
    return Operator(OperatorCost(unit, random.randint(min(1, most), most), random.randint(0, 40) if unit else 0), needs)


def _block(random: Random) -> Block:
    """Rows of operators, permutations and stages that read values of rows before; operators each other's, too."""
    resources, rows, values = _resources(random), list[Row](), 0

    def needs(below: int) -> list[int]:
        return [random.randrange(max(0, below - 6), below) for _ in range(random.randint(0, 2))] if below else []

    for _ in range(random.randint(1, 7)):
        match random.randrange(3):
            case 0:
                rows.append([_operator(random, needs(values + i), resources) for i in range(random.randint(1, 4))])
            case 1:
                rows.append([Permutation(random.randint(0, 5), needs(values)) for _ in range(random.randint(1, 3))])
            case _:
                sources = random.randint(1, 3)
                products = [_product(random, i % sources) for i in range(sources + random.randint(0, 1))]
                moves = [[random.randint(0, 5) for _ in range(count)] for count in (sources, len(products))]
                rows.append([Stage(products, [needs(values) for _ in range(sources)], *moves)])
        values += sum(len(step.products) if isinstance(step, Stage) else 1 for step in rows[-1])
    stages = [step for row in rows for step in row if isinstance(step, Stage)]
    held = [np.concatenate([p.places, p.tiles[:, 2:]], axis=1) for stage in stages for p in stage.products]
    return rows, Occupancy(np.concatenate([np.zeros((0, 5), np.int64), *held])), resources


class _Follower:
    """Follows a schedule: what reads what, and what occupies what from when to when."""

    def __init__(self, block: Block, begin: int) -> None:
        _, self.occupancy, self.resources = block
        self.there: list[int] = []
        """When each value is there."""
        self.begin = begin
        self.busy: dict[tuple[str, int], list[tuple[int, int]]] = {}
        self.served: dict[int, list[tuple[int, int]]] = {}

    def reads(self, needs: Sequence[int], start: int) -> None:
        assert start >= max([self.begin, *(self.there[value] for value in needs)])

    def occupies(self, name: str, number: int, start: int, end: int) -> None:
        self.busy.setdefault((name, number), []).append((start, end))

    def moves(self, moved: Moved) -> None:
        if self.resources.links is not None:
            assert 0 <= moved.link < self.resources.links
            self.occupies("link", moved.link, moved.start, moved.end)

    def operator(self, step: Operator, run: Run) -> None:
        self.reads(step.needs, run.start)
        assert len(set(run.units)) == len(run.units) == (0 if step.is_free else step.cost.units)
        digital = self.resources.digital_units
        low, high = (0, digital) if step.cost.unit is Unit.VECTOR else (digital, digital + 2)
        for unit in run.units:
            assert low <= unit < high
            self.occupies("unit", unit, run.start, run.end)
        self.there.append(run.end)

    def permutation(self, step: Permutation, moved: Moved) -> None:
        self.reads(step.needs, moved.start)
        assert moved.duration == step.picoseconds
        self.moves(moved)
        self.there.append(moved.end)

    def stage(self, stage: Stage, times: StageTimes) -> None:
        prepared = PreparedStage.of(stage, self.occupancy, self.resources.times)
        for needs, moved, duration in zip(stage.needs, times.ins, stage.ins, strict=True):
            self.reads(needs, moved.start)
            assert moved.duration == duration
        for moved in (*times.ins, *times.outs):
            self.moves(moved)
        start = np.concatenate(times.starts)
        for activation, (array, duration) in enumerate(zip(prepared.activations.array, prepared.activations.duration)):
            own = np.flatnonzero(prepared.activations.of_job == activation)
            (begin,) = set(start[own].tolist())
            sources: list[int] = prepared.jobs[own, 5].tolist()
            assert begin >= max(times.ins[source].end for source in sources)
            self.occupies("array", int(array), begin, begin + int(duration))
        end = start + prepared.activations.duration[prepared.activations.of_job]
        for product, own, adds, out in zip(stage.products, prepared.split(end), times.adds, times.outs):
            done = [int(own.max()), *(self.add(*row) for row in adds.tolist())]
            assert out.start >= max(done)
            self.there.append(out.end)
            for array in set(product.places[:, 0].tolist()):
                span = times.ins[product.source].start, out.end
                self.served.setdefault(array, []).append(span)
        self._join_services(prepared)

    def add(self, first: int, columns: int, unit: int, start: int, copy: int) -> int:
        assert copy == 0
        assert unit < self.resources.digital_units
        assert columns <= self.resources.vector_width
        self.occupies("unit", unit, start, start + self.resources.add_ps)
        return start + self.resources.add_ps

    def _join_services(self, prepared: PreparedStage) -> None:
        for array in prepared.arrays.tolist():
            spans = self.served.pop(array)
            self.occupies("registers", array, min(start for start, _ in spans), max(end for _, end in spans))

    def end(self) -> None:
        for (name, _), spans in self.busy.items():
            at_once = self.resources.buffers if name == "registers" else 1
            changes = sorted([(end, -1) for _, end in spans] + [(start, 1) for start, _ in spans])
            count = 0
            for _, change in changes:
                count += change
                assert count <= at_once, (name, spans)
            if at_once == 1:
                assert all(one[1] <= other[0] for one, other in pairwise(sorted(spans))), (name, spans)


def _follow(block: Block, times: Sequence[Times], begin: int) -> int:
    """When all is done; fails if the schedule breaks a rule."""
    follower, remaining = _Follower(block, begin), iter(times)
    for row in block[0]:
        for step in row:
            match step, next(remaining):
                case Operator(), Run() as run:
                    follower.operator(step, run)
                case Permutation(), Moved() as moved:
                    follower.permutation(step, moved)
                case Stage(), StageTimes() as stage:
                    follower.stage(step, stage)
                case _:
                    raise AssertionError("a step has times of something else")
    follower.end()
    return max([begin, *(time.end for time in times)])


@pytest.fixture
def random_block() -> Callable[[Random], Block]:
    return _block


@pytest.fixture
def follow() -> Callable[[Block, Sequence[Times], int], int]:
    return _follow
