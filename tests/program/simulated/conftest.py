"""A simulation of a program in time: rows, columns, ADCs, units and partial sums.

It follows the program's times and stops where something starts that cannot. Nothing of it comes from the checker.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

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

    def run(self) -> None:
        """Raises Illegal where something cannot start when it should, or something is left undone."""
        self.outside = {value.slot for value in self.program.inputs}
        self._make_jobs()
        self._follow()
        results = {value.slot for value in self.program.outputs}
        demand(results <= self.outside and not any(self.adding.values()) and not any(self.to_convert.values()))
        demand(max(self.sums.values(), default=1) == 1)

    def _follow(self) -> None:
        waiting, running = list(self.jobs), list[tuple[int, Job]]()
        times = {job.start + d for job in self.jobs if job.start is not None for d in (0, job.duration)}
        for now in sorted(times):
            for end, job in [one for one in running if one[0] == now]:
                job.finish()
                running.remove((end, job))
            while able := [job for job in waiting if job.start in (now, None) and job.ready()]:
                waiting.remove(able[0])
                able[0].begin()
                if able[0].duration:
                    running.append((now + able[0].duration, able[0]))
                else:
                    able[0].finish()
            demand(all(job.start != now for job in waiting))
        demand(not waiting)

    def _make_jobs(self) -> None:
        activations: dict[tuple[int, ...], list[Record]] = {}
        last = 0
        for stage in sorted(self.program.stages, key=lambda stage: stage.number):
            demand(stage.start_ps >= last)
            last = stage.start_ps + stage.duration_ps
        for fields in self.program.instructions:
            record: Record = {name: int(fields[name]) for name in self.program.instructions.dtype.names or ()}
            match Opcode(record["op"]):
                case Opcode.KERNEL:
                    self._kernel(record["k"], record["start"])
                case Opcode.CLEAR:
                    self._add_job(record, 0, _always, lambda y=record["y"]: self.cleared.add(y))
                case Opcode.PERMUTE | Opcode.TRANSFER:
                    self._move(record, self.timing.transfer_ps)
                case Opcode.ADD:
                    self._add(record, self.timing.add_ps)
                case Opcode.MULTIPLY:
                    key = tuple(record[name] for name in ("stage", "array", "start"))
                    activations.setdefault(key, []).append(record)
                case Opcode.LOOP | Opcode.BRANCH | Opcode.ELSE | Opcode.END:
                    raise NotImplementedError("the simulation knows no control flow")
        for group in activations.values():
            self._activate(group)

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
        """Nodes wait for their operands; the kernel's results are there when the last node is done."""
        kernel = self.program.kernels[number]
        nodes = list(load_model_from_string(kernel.model).graph.node)
        made = {name for node in nodes for name in node.output}
        begun, done = set[int](), set[str]()

        def deliver() -> None:
            if begun and done == made:
                self.outside.update(kernel.outputs)

        def open_kernel() -> None:
            begun.add(number)
            deliver()

        self.jobs.append(Job(start, 0, lambda: self.outside >= set(kernel.inputs), lambda: None, open_kernel))
        for i, node in enumerate(nodes):
            rows = [row for row in self.program.operations.tolist() if row[:2] == [number, i]]
            times = {(begin, duration) for _, _, _, begin, duration in rows}
            demand(len(times) < 2)
            demand(all(unit < self.timing.digital_units + self.timing.attention_units for _, _, unit, _, _ in rows))
            begin, duration = min(times, default=(None, 0))

            def finish(outputs: tuple[str, ...] = tuple(node.output)) -> None:
                done.update(outputs)
                deliver()

            def use(rows: list[list[int]] = rows) -> None:
                for _, _, unit, first, length in rows:
                    self._use("unit", unit, first, length)

            def ready(needs: frozenset[str] = frozenset(made.intersection(node.input))) -> bool:
                return bool(begun) and needs <= done

            self.jobs.append(Job(begin, duration, ready, use, finish))

    def _move(self, record: Record, duration: int) -> None:
        stage, x, y = (record[name] for name in ("stage", "x", "y"))
        if record["op"] == Opcode.PERMUTE:
            self._add_job(record, duration, lambda: x in self.outside, lambda: self.outside.add(y))
        elif record["flags"] == INTO_ARRAYS:
            self._add_job(record, duration, lambda: x in self.outside, lambda: self.inside.add((stage, x)))
        else:
            self._add_job(record, duration, lambda: self._is_summed(x), lambda: self.outside.add(x))

    def _is_summed(self, y: int) -> bool:
        """Nothing is still to be converted or added, and no element has two sums."""
        pending = [key for key, count in self.to_convert.items() if count and key[0] == y]
        several = [key for key, count in self.sums.items() if count > 1 and key[0] == y]
        return y in self.cleared and not (pending or several or any(n for key, n in self.adding.items() if key[0] == y))

    def _add(self, record: Record, duration: int) -> None:
        elements = [(record["y"], record["n"] + i) for i in range(record["columns"])]
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
