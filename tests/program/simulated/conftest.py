"""A simulation of a program in time: rows, columns, ADCs, registers, links, units and partial sums.

It follows the program's times and stops where something starts that cannot. Nothing of it comes from the checker.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import load_model_from_string

from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode

Record = dict[str, int]


class Illegal(Exception):
    """The hardware cannot do what the program says."""


def demand(condition: bool) -> None:
    if not condition:
        raise Illegal


@dataclass
class Job:
    """Something that starts at a known time (None: as soon as it is ready), and does `finish` when its time is over."""

    start: int | None
    duration: int
    ready: Callable[[], bool]
    begin: Callable[[], None]
    finish: Callable[[], None]


@dataclass
class Simulation:
    """A program in time: what is where, who is busy, and what has been summed up."""

    program: Program
    timing: Timing
    jobs: list[Job] = field(default_factory=list[Job])
    outside: set[int] = field(default_factory=set[int])
    inside: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    cleared: set[int] = field(default_factory=set[int])
    to_convert: Counter[tuple[int, ...]] = field(default_factory=Counter[tuple[int, ...]])
    """Conversions still to come of (y, element, array, column)."""
    sums: Counter[tuple[int, int]] = field(default_factory=Counter[tuple[int, int]])
    """Partial sums of (y, element) that are there."""
    adding: Counter[tuple[int, int]] = field(default_factory=Counter[tuple[int, int]])
    busy: set[tuple[str, int, int]] = field(default_factory=set[tuple[str, int, int]])
    """Kind and number of a resource, and a picosecond in which it is used."""
    serving: dict[int, set[int]] = field(default_factory=dict[int, set[int]])
    """The stages that have a set of registers in an array."""
    home: dict[int, int] = field(default_factory=dict[int, int])
    """The stage that makes a product."""
    leaving: set[int] = field(default_factory=set[int])
    """Products that are moved out of arrays at some time."""
    left: set[int] = field(default_factory=set[int])
    converts: set[tuple[int, int, int]] = field(default_factory=set[tuple[int, int, int]])
    """Arrays, the stages in which they convert, and for which product."""
    read: set[int] = field(default_factory=set[int])
    """Values that kernels read."""

    def run(self) -> None:
        """Raises Illegal where something cannot start when it should, or something is left undone."""
        self.outside = {value.slot for value in self.program.inputs}
        self._make_jobs()
        self._follow()
        results = {value.slot for value in self.program.outputs}
        demand(results <= self.outside and not any(self.adding.values()) and not any(self.to_convert.values()))
        demand(max(self.sums.values(), default=1) == 1 and self.read <= self.outside)

    def _follow(self) -> None:
        waiting, running = list(self.jobs), list[tuple[int, Job]]()
        times = {job.start + d for job in self.jobs if job.start is not None for d in (0, job.duration)}
        for now in sorted(times):
            for end, job in [one for one in running if one[0] == now]:
                job.finish()
                running.remove((end, job))
                self._release()
            while able := [job for job in waiting if job.start in (now, None) and job.ready()]:
                waiting.remove(able[0])
                able[0].begin()
                if able[0].duration:
                    running.append((now + able[0].duration, able[0]))
                else:
                    able[0].finish()
                    self._release()
            demand(all(job.start != now for job in waiting))
        demand(not waiting)

    def _make_jobs(self) -> None:
        activations: dict[tuple[int, ...], list[Record]] = {}
        demand(len({stage.number for stage in self.program.stages}) == len(self.program.stages))
        for record in self._records():
            match Opcode(record["op"]):
                case Opcode.KERNEL:
                    self._kernel(record["k"], record["start"])
                case Opcode.CLEAR:
                    self._stay_at_home(record, record["y"])
                    self._add_job(record, 0, _always, lambda y=record["y"]: self.cleared.add(y))
                case Opcode.PERMUTE | Opcode.TRANSFER:
                    self._move(record)
                case Opcode.ADD:
                    self._add(record, self.timing.add_ps)
                case Opcode.MULTIPLY:
                    key = tuple(record[name] for name in ("stage", "array", "start"))
                    activations.setdefault(key, []).append(record)
                case Opcode.LOOP | Opcode.BRANCH | Opcode.ELSE | Opcode.END:
                    raise NotImplementedError("the simulation knows no control flow")
        for group in activations.values():
            self._activate(group)

    def _records(self) -> list[Record]:
        names = self.program.instructions.dtype.names or ()
        return [{name: int(fields[name]) for name in names} for fields in self.program.instructions]

    def _stay_at_home(self, record: Record, y: int) -> None:
        """One stage makes a product."""
        demand(self.home.setdefault(y, record["stage"]) == record["stage"])

    def _add_job(
        self,
        record: Record,
        duration: int,
        ready: Callable[[], bool],
        finish: Callable[[], None],
        begin: Callable[[], None] = lambda: None,
    ) -> None:
        start = record["start"]
        if record["op"] != Opcode.PERMUTE:
            stage = next(stage for stage in self.program.stages if stage.number == record["stage"])
            demand(stage.start_ps <= start and start + duration <= stage.start_ps + stage.duration_ps)
        self.jobs.append(Job(start, duration, ready, begin, finish))

    def _use(self, kind: str, number: int, start: int, duration: int) -> None:
        for now in range(start, start + duration):
            demand((kind, number, now) not in self.busy)
            self.busy.add((kind, number, now))

    def _kernel(self, number: int, start: int) -> None:
        """Nodes wait for what they read; a result is there when the node that makes it is done."""
        kernel = self.program.kernels[number]
        nodes = list(load_model_from_string(kernel.model).graph.node)
        made = {name for node in nodes for name in node.output}
        values = {f"v{slot}": slot for slot in kernel.inputs}
        begun, done = set[int](), set[str]()
        self.read.update(kernel.inputs)
        self.jobs.append(Job(start, 0, _always, lambda: None, lambda: begun.add(number)))
        for i, node in enumerate(nodes):
            rows = [row for row in self.program.operations.tolist() if row[:2] == [number, i]]
            times = {(begin, duration) for _, _, _, begin, duration in rows}
            demand(len(times) < 2)
            demand(all(unit < self.timing.digital_units + self.timing.attention_units for _, _, unit, _, _ in rows))
            begin, duration = min(times, default=(None, 0))

            def finish(outputs: tuple[str, ...] = tuple(node.output)) -> None:
                done.update(outputs)
                self.outside.update(slot for slot in kernel.outputs if f"v{slot}" in outputs)

            def use(rows: list[list[int]] = rows) -> None:
                for _, _, unit, first, length in rows:
                    self._use("unit", unit, first, length)

            def ready(reads: tuple[str, ...] = tuple(node.input), waits: bool = bool(rows)) -> bool:
                there = all(values[name] in self.outside for name in reads if name in values)
                return there and done.issuperset(made.intersection(reads)) and (bool(begun) or not waits)

            self.jobs.append(Job(begin, duration, ready, use, finish))

    def _move(self, record: Record) -> None:
        stage, x, y = (record[name] for name in ("stage", "x", "y"))
        into = record["op"] == Opcode.TRANSFER and record["flags"] == INTO_ARRAYS
        duration, links = self._moving(record, into), self.timing.links
        demand(record["array"] < (1 if links is None else links))
        arrays = self._arrays_that_read(stage, x) if into else set[int]()

        def ready() -> bool:
            if not into:
                return x in self.outside if record["op"] == Opcode.PERMUTE else self._is_summed(x)
            taken = [self.serving.setdefault(array, set()) | {stage} for array in arrays]
            return x in self.outside and all(len(stages) <= self.timing.buffers for stages in taken)

        def begin() -> None:
            if links is not None:
                self._use("link", record["array"], record["start"], duration)
            for array in arrays:
                self.serving[array].add(stage)

        def finish() -> None:
            if into:
                self.inside.add((stage, x))
            elif record["op"] == Opcode.PERMUTE:
                self.outside.add(y)
            else:
                self.outside.add(x)
                self.left.add(x)

        if record["op"] == Opcode.TRANSFER and not into:
            self._stay_at_home(record, x)
            self.leaving.add(x)
        self._add_job(record, duration, ready, finish, begin)

    def _moving(self, record: Record, into: bool) -> int:
        """How long a vector moves: what all do, and the time of its bits where links have a width."""
        if self.timing.link_bits_per_ns is None:
            return self.timing.transfer_ps
        if record["op"] == Opcode.PERMUTE:
            bits = 32 * len(self.program.tables[record["k"]])
        else:
            made = [m for m in self.program.multiplications if record["x"] == (m.x if into else m.y)]
            here = [r["y"] for r in self._records() if r["op"] == Opcode.CLEAR and r["stage"] == record["stage"]]
            wide = max((m.input_bits for m in made if m.y in here), default=8) if into else 32
            weights = [self.program.weights[m.weight] for m in made]
            bits = wide * max(weight.rows if into else weight.columns for weight in weights)
        return self.timing.transfer_ps + ceil(bits * 1000 / self.timing.link_bits_per_ns)

    def _arrays_that_read(self, stage: int, x: int) -> set[int]:
        return {r["array"] for r in self._records() if (r["op"], r["stage"], r["x"]) == (Opcode.MULTIPLY, stage, x)}

    def _release(self) -> None:
        """Arrays give up the registers of stages of which they keep no product any more."""
        for array, stages in self.serving.items():
            for stage in list(stages):
                kept = {y for a, s, y in self.converts if (a, s) == (array, stage)}
                if all(y in self.left if y in self.leaving else self._is_summed(y) for y in kept):
                    stages.remove(stage)

    def _is_summed(self, y: int) -> bool:
        """Nothing is still to be converted or added, and no element has two sums."""
        pending = [key for key, count in self.to_convert.items() if count and key[0] == y]
        several = [key for key, count in self.sums.items() if count > 1 and key[0] == y]
        return y in self.cleared and not (pending or several or any(n for key, n in self.adding.items() if key[0] == y))

    def _add(self, record: Record, duration: int) -> None:
        elements = [(record["y"], record["n"] + i) for i in range(record["columns"])]
        self._stay_at_home(record, record["y"])
        demand(len(elements) <= self.timing.vector_width and record["array"] < self.timing.digital_units)

        def begin() -> None:
            self._use("unit", record["array"], record["start"], duration)
            self.sums.subtract({element: 2 for element in elements})
            self.adding.update(elements)

        def finish() -> None:
            self.adding.subtract(elements)
            self.sums.update(elements)

        self._add_job(record, duration, lambda: all(self.sums[e] >= 2 for e in elements), finish, begin)

    def _activate(self, group: list[Record]) -> None:
        """Rows are driven together, plane by plane, and the ADCs take the columns in turn."""
        conversions = [(record, i) for record in group for i in range(record["columns"])]
        for record in group:
            self._stay_at_home(record, record["y"])
            self.converts.add((record["array"], record["stage"], record["y"]))
        for record, i in conversions:
            self.to_convert[record["y"], record["n"] + i, record["array"], record["column"] + i] += 1
        signed = {m.y for m in self.program.multiplications if m.signed}
        extra = self.program.chip.dac_bits > 1 and any(record["y"] in signed for record in group)
        rounds = range(0, len(conversions), self.program.chip.adcs)
        adc_ps = self.timing.adc_ps[max(record["adc_bits"] for record in group) - 1]
        duration = (8 // self.program.chip.dac_bits + extra) * (self.timing.settle_ps + len(rounds) * adc_ps)

        def ready() -> bool:
            return all((r["stage"], r["x"]) in self.inside and r["y"] in self.cleared for r in group)

        def begin() -> None:
            self._use("array", group[0]["array"], group[0]["start"], duration)
            self._convert(group, conversions)

        def finish() -> None:
            for record, i in conversions:
                place = record["y"], record["n"] + i, record["array"], record["column"] + i
                self.to_convert[place] -= 1
                if not self.to_convert[place]:
                    self.sums[place[:2]] += 1

        self._add_job(group[0], duration, ready, finish, begin)

    def _convert(self, group: list[Record], conversions: list[tuple[Record, int]]) -> None:
        """Every column is read once, and sees the cells and inputs that its record means, no others."""
        cells = _programmed(self.program)[group[0]["array"]]
        driven: dict[int, tuple[int, int]] = {}
        for record in group:
            for i in range(record["rows"]):
                drive = record["x"], record["k"] + i
                demand(driven.setdefault(record["row"] + i, drive) == drive)
        demand(len({record["column"] + i for record, i in conversions}) == len(conversions))
        for record, i in conversions:
            column = record["column"] + i
            meant = {record["row"] + j: (record["x"], record["k"] + j) for j in range(record["rows"])}
            seen, expected = ({row for row in rows if cells[row, column]} for rows in (driven, meant))
            demand(seen == expected)


def _always() -> bool:
    return True


def _programmed(program: Program) -> NDArray[np.bool_]:
    cells = np.zeros(program.arrays.shape, np.bool_)
    for _, array, row, column, rows, columns, _, _ in program.tiles.tolist():
        cells[array, row : row + rows, column : column + columns] = True
    return cells


@pytest.fixture(scope="session")
def can_be_kept() -> Callable[[Program], bool]:
    """Whether the hardware can do what a program says when it says so."""

    def simulate(program: Program) -> bool:
        assert program.timing is not None
        try:
            Simulation(program, program.timing).run()
        except Illegal:
            return False
        return True

    return simulate
