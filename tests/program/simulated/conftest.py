"""A simulation of programs in time: rows, columns, ADCs, registers, links, units and partial sums.

It follows the program's times, for one token or several that follow each other, and stops where something starts that
cannot. Nothing of it comes from the checker.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil, lcm

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, load_model_from_string

from cimc.program.metadata import Stage, Timing
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
class Hardware:
    """What all tokens share: what is used when, and which stages have a set of registers in which array."""

    busy: set[tuple[str, int, int]] = field(default_factory=set[tuple[str, int, int]])
    """Kind and number of a resource, and a picosecond in which it is used."""
    serving: dict[int, set[tuple[int, int]]] = field(default_factory=dict[int, set[tuple[int, int]]])
    """For each array the tokens and stages that it serves."""
    present: set[int] = field(default_factory=set[int])
    """Arrays whose weights are in the chip, where they pass through it in parts."""

    def use(self, kind: str, number: int, start: int, duration: int) -> None:
        for now in range(start, start + duration):
            demand((kind, number, now) not in self.busy)
            self.busy.add((kind, number, now))


def follow(simulations: "list[Simulation]") -> None:
    """Raises Illegal where something cannot start when it should, or something is left undone."""
    waiting, running = [job for each in simulations for job in each.jobs], list[tuple[int, Job]]()
    times = {job.start + d for job in waiting if job.start is not None for d in (0, job.duration)}

    def finish(job: Job) -> None:
        job.finish()
        for each in simulations:
            each.release()

    for now in sorted(times):
        for end, job in [both for both in running if both[0] == now]:
            finish(job)
            running.remove((end, job))
        while able := [job for job in waiting if job.start in (now, None) and job.ready()]:
            waiting.remove(able[0])
            able[0].begin()
            if able[0].duration:
                running.append((now + able[0].duration, able[0]))
            else:
                finish(able[0])
        demand(all(job.start != now for job in waiting))
    demand(not waiting)
    for each in simulations:
        each.demand_results()


@dataclass
class Plan:
    """What a program says, read once for all tokens."""

    program: Program

    @cached_property
    def records(self) -> list[Record]:
        names = self.program.instructions.dtype.names or ()
        return [{name: int(fields[name]) for name in names} for fields in self.program.instructions]

    @cached_property
    def has_loads(self) -> bool:
        """Whether weights pass through the chip in parts."""
        return any(record["op"] == Opcode.LOAD for record in self.records)

    @cached_property
    def nodes(self) -> list[list[NodeProto]]:
        return [list(load_model_from_string(kernel.model).graph.node) for kernel in self.program.kernels]

    @cached_property
    def programmed(self) -> NDArray[np.bool_]:
        cells = np.zeros(self.program.arrays.shape, np.bool_)
        for _, array, row, column, rows, columns, _, _ in self.program.tiles.tolist():
            cells[array, row : row + rows, column : column + columns] = True
        return cells

    @cached_property
    def copies(self) -> dict[int, int]:
        """How many copies there are of the weight of each product."""
        return {m.y: self.program.weights[m.weight].copies for m in self.program.multiplications}

    @cached_property
    def users(self) -> dict[tuple[int, int], list[Record]]:
        """The MULTIPLY records of an array in a stage."""
        users: dict[tuple[int, int], list[Record]] = {}
        for record in self.records:
            if record["op"] == Opcode.MULTIPLY:
                users.setdefault((record["array"], record["stage"]), []).append(record)
        return users

    def is_idle(self, records: list[Record], token: int | None) -> bool:
        """Whether all records are of the same copy of a weight, which is not the one that multiplies a token.

        Without a number of a token, all copies multiply.
        """
        copies = {(self.copies[record["y"]], record["flags"]) for record in records}
        return token is not None and len(copies) == 1 and all(token % count != copy for count, copy in copies)

    def arrays_that_read(self, stage: int, x: int, token: int | None) -> set[int]:
        reading = [r for r in self.records if (r["op"], r["stage"], r["x"]) == (Opcode.MULTIPLY, stage, x)]
        return {r["array"] for r in reading if not self.is_idle(self.users[r["array"], stage], token)}

    def moving(self, record: Record, into: bool, timing: Timing) -> int:
        """How long a vector moves: what all do, and the time of its bits where links have a width."""
        if timing.link_bits_per_ns is None:
            return timing.transfer_ps
        if record["op"] == Opcode.PERMUTE:
            bits = 32 * len(self.program.tables[record["k"]])
        else:
            made = [m for m in self.program.multiplications if record["x"] == (m.x if into else m.y)]
            here = [r["y"] for r in self.records if r["op"] == Opcode.CLEAR and r["stage"] == record["stage"]]
            wide = max((m.input_bits for m in made if m.y in here), default=8) if into else 32
            weights = [self.program.weights[m.weight] for m in made]
            bits = wide * max(weight.rows if into else weight.columns for weight in weights)
        return timing.transfer_ps + ceil(bits * 1000 / timing.link_bits_per_ns)


@dataclass
class Simulation:
    """A token in time: what is where, and what has been summed up. It begins at `shift` ps.

    Values in `becomes` are those that the token before makes, in the value that each names.
    """

    plan: Plan
    timing: Timing
    hardware: Hardware
    number: int | None = None
    """Of the token; None for one that all copies of weights multiply."""
    shift: int = 0
    before: "Simulation | None" = None
    becomes: dict[int, int] = field(default_factory=dict[int, int])
    moves: list[list[int]] = field(default_factory=list[list[int]])
    """What arrays move by themselves: record, array, link, start."""
    jobs: list[Job] = field(default_factory=list[Job])
    outside: set[int] = field(default_factory=set[int])
    inside: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    cleared: set[int] = field(default_factory=set[int])
    to_convert: Counter[tuple[int, ...]] = field(default_factory=Counter[tuple[int, ...]])
    """Conversions still to come of (y, element, copy, array, column)."""
    sums: Counter[tuple[int, ...]] = field(default_factory=Counter[tuple[int, ...]])
    """Partial sums of (y, element, copy) that are there."""
    adding: Counter[tuple[int, ...]] = field(default_factory=Counter[tuple[int, ...]])
    home: dict[int, int] = field(default_factory=dict[int, int])
    """The stage that makes a product."""
    leaving: set[int] = field(default_factory=set[int])
    """Products that are moved out of arrays at some time."""
    left: set[int] = field(default_factory=set[int])
    read: set[int] = field(default_factory=set[int])
    """Values that kernels read."""
    loads: int = 0
    """How many parts of the weights have come into the chip."""
    awaited: Counter[int] = field(default_factory=Counter[int])
    """What is still to be done, by how many parts of the weights stand before it."""
    part_of_stage: dict[int, int] = field(default_factory=dict[int, int])
    """How many parts of the weights stand before what belongs to a stage."""
    alone: set[tuple[int, int, int]] = field(default_factory=set[tuple[int, int, int]])
    """What arrays move in by themselves, of (stage, x, array)."""
    brought: set[tuple[int, int, int]] = field(default_factory=set[tuple[int, int, int]])
    """And which of it is there."""
    kept: dict[tuple[int, int], list[tuple[int, ...]] | None] = field(
        default_factory=dict[tuple[int, int], list[tuple[int, ...]] | None]
    )
    """The sums of (y, array) that an array has still to move out by itself; None when it has."""

    def __post_init__(self) -> None:
        self.program = self.plan.program
        self.outside = {value.slot for value in self.program.inputs}
        self._make_jobs()

    def is_there(self, slot: int) -> bool:
        if slot in self.becomes and self.before is not None:
            return self.becomes[slot] in self.before.outside
        return slot in self.outside

    def demand_results(self) -> None:
        """All is done, and all outputs are there."""
        results = {value.slot for value in self.program.outputs}
        demand(results <= self.outside and not any(self.adding.values()) and not any(self.to_convert.values()))
        demand(max(self.sums.values(), default=1) == 1 and self.read <= self.outside)

    def release(self) -> None:
        """Arrays give up the registers of stages of which they keep no product any more."""
        for array, served in self.hardware.serving.items():
            for token, stage in [pair for pair in served if pair[0] == (self.number or 0)]:
                kept = {record["y"] for record in self.plan.users[array, stage]}
                if all(self._has_left(y, array) for y in kept):
                    served.remove((token, stage))

    def _has_left(self, y: int, array: int) -> bool:
        if (y, array) in self.kept:
            return self.kept[y, array] is None
        return y in self.left if y in self.leaving else self._is_summed(y)

    def _make_jobs(self) -> None:
        activations: dict[tuple[int, ...], list[Record]] = {}
        for number, array, link, start in self.moves:
            self._move_alone(self.plan.records[number], array, link, start)
        parts: dict[tuple[int, ...], set[int]] = {}
        passed = 0
        demand(len({stage.number for stage in self.program.stages}) == len(self.program.stages))
        for record in self.plan.records:
            begun = len(self.jobs)
            if record["op"] not in (Opcode.KERNEL, Opcode.PERMUTE, Opcode.LOAD):
                demand(self.part_of_stage.setdefault(record["stage"], passed) == passed)
            match Opcode(record["op"]):
                case Opcode.KERNEL:
                    self._kernel(record["k"], record["start"])
                case Opcode.CLEAR:
                    self._stay_at_home(record, record["y"])
                    self._add_job(record, 0, _always, lambda y=record["y"]: self.cleared.add(y))
                case Opcode.PERMUTE | Opcode.TRANSFER:
                    self._move(record)
                case Opcode.ADD if self.plan.is_idle([record], self.number):
                    self._stay_at_home(record, record["y"])
                case Opcode.ADD:
                    self._add(record, self.timing.add_ps)
                case Opcode.MULTIPLY:
                    key = tuple(record[name] for name in ("stage", "array", "start"))
                    activations.setdefault(key, []).append(record)
                    parts.setdefault(key, set()).add(passed)
                case Opcode.LOOP | Opcode.BRANCH | Opcode.ELSE | Opcode.END:
                    raise NotImplementedError("the simulation knows no control flow")
                case Opcode.LOAD:
                    self._load(record, passed)
                    passed += 1
                    continue
            self._pass(begun, passed)
        for key, group in activations.items():
            demand(len({(self.plan.copies[record["y"]], record["flags"]) for record in group}) == len(parts[key]) == 1)
            if not self.plan.is_idle(group, self.number):
                begun = len(self.jobs)
                self._activate(group)
                self._pass(begun, *parts[key])

    def _pass(self, begun: int, passed: int) -> None:
        """Jobs from number `begun` on wait until so many parts of the weights have come, and the next part for them.

        But for those that take no time and have none of their own.
        """
        for job in self.jobs[begun:]:
            if job.start is not None:
                self._wait(job, passed)

    def _wait(self, job: Job, passed: int) -> None:
        is_ready, finish = job.ready, job.finish
        self.awaited[passed] += 1

        def ready() -> bool:
            return self.loads == passed and is_ready()

        def done() -> None:
            finish()
            self.awaited[passed] -= 1

        job.ready, job.finish = ready, done

    def _load(self, record: Record, passed: int) -> None:
        """Other weights come into the chip when all is done that stands before, and nothing is kept in arrays.

        Arrays are alike here: each has as many crossbars as one of the chip's.
        """
        arrays, row_ps = self.program.chip.details.get("arrays"), self.timing.program_row_ps
        demand(isinstance(arrays, int) and record["n"] <= arrays and row_ps is not None)

        def ready() -> bool:
            return self.loads == passed and not self.awaited[passed] and not any(self.hardware.serving.values())

        def finish() -> None:
            self.loads += 1
            self.hardware.present = set(range(record["array"], record["array"] + record["n"]))

        duration = record["rows"] * (row_ps or 0)
        self.jobs.append(Job(self.shift + record["start"], duration, ready, lambda: None, finish))

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
        self.jobs.append(Job(self.shift + start, duration, ready, begin, finish))

    def _use(self, kind: str, number: int, start: int, duration: int) -> None:
        self.hardware.use(kind, number, self.shift + start, duration)

    def _kernel(self, number: int, start: int) -> None:
        """Nodes wait for what they read; a result is there when the node that makes it is done."""
        kernel = self.program.kernels[number]
        nodes = self.plan.nodes[number]
        made = {name for node in nodes for name in node.output}
        values = {f"v{slot}": slot for slot in kernel.inputs}
        begun, done = set[int](), set[str]()
        self.read.update(kernel.inputs)
        self.jobs.append(Job(self.shift + start, 0, _always, lambda: None, lambda: begun.add(number)))
        for i, node in enumerate(nodes):
            rows = [row for row in self.program.operations.tolist() if row[:2] == [number, i]]
            times = {(begin, duration) for _, _, _, begin, duration in rows}
            demand(len(times) < 2)
            demand(all(unit < self.timing.digital_units + self.timing.attention_units for _, _, unit, _, _ in rows))
            begin, duration = min(times, default=(0, 0))

            def finish(outputs: tuple[str, ...] = tuple(node.output)) -> None:
                done.update(outputs)
                self.outside.update(slot for slot in kernel.outputs if f"v{slot}" in outputs)

            def use(rows: list[list[int]] = rows) -> None:
                for _, _, unit, first, length in rows:
                    self._use("unit", unit, first, length)

            def ready(reads: tuple[str, ...] = tuple(node.input), waits: bool = bool(rows)) -> bool:
                there = all(self.is_there(values[name]) for name in reads if name in values)
                return there and done.issuperset(made.intersection(reads)) and (bool(begun) or not waits)

            self.jobs.append(Job(self.shift + begin if rows else None, duration, ready, use, finish))

    def _move(self, record: Record) -> None:
        stage, x, y = (record[name] for name in ("stage", "x", "y"))
        into = record["op"] == Opcode.TRANSFER and record["flags"] == INTO_ARRAYS
        duration, links = self.plan.moving(record, into, self.timing), self.timing.links
        demand(record["array"] < (1 if links is None else links))
        arrays = self.plan.arrays_that_read(stage, x, self.number) if into else set[int]()
        arrays = {array for array in arrays if (stage, x, array) not in self.alone}
        token = self.number or 0
        served = [self.hardware.serving.setdefault(array, set()) for array in arrays]

        def ready() -> bool:
            if not into:
                return self.is_there(x) if record["op"] == Opcode.PERMUTE else self._is_summed(x)
            return self.is_there(x) and all(len(own | {(token, stage)}) <= self.timing.buffers for own in served)

        def begin() -> None:
            if links is not None:
                self._use("link", record["array"], record["start"], duration)
            for own in served:
                own.add((token, stage))

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

    def _move_alone(self, record: Record, array: int, link: int, start: int) -> None:
        """What a transfer moves for all arrays, moved for this one by itself."""
        stage, x = record["stage"], record["x"]
        into = record["flags"] == INTO_ARRAYS
        duration, links, token = self.plan.moving(record, into, self.timing), self.timing.links, self.number or 0
        users = self.plan.users.get((array, stage), [])
        idle = self.plan.is_idle(users, self.number)
        served = self.hardware.serving.setdefault(array, set())
        demand(any(x == user["x" if into else "y"] for user in users))
        demand(link < (1 if links is None else links))
        if into:
            demand((stage, x, array) not in self.alone)
            self.alone.add((stage, x, array))
        else:
            demand((x, array) not in self.kept)
            self.kept[x, array] = []

        def ready() -> bool:
            if into:
                room = idle or len(served | {(token, stage)}) <= self.timing.buffers
                return self.is_there(x) and room
            return not any(n for key, n in self.to_convert.items() if (key[0], key[3]) == (x, array))

        def begin() -> None:
            if links is not None:
                self._use("link", link, start, duration)
            if into and not idle:
                served.add((token, stage))

        def finish() -> None:
            if into:
                self.brought.add((stage, x, array))
            else:
                self.sums.update(self.kept[x, array] or [])
                self.kept[x, array] = None

        self.jobs.append(Job(self.shift + start, duration, ready, begin, finish))

    def _is_summed(self, y: int) -> bool:
        """Nothing is still to be converted, moved or added, and no element has two sums."""
        if any(sums is not None for (value, _), sums in self.kept.items() if value == y):
            return False
        pending = [key for key, count in self.to_convert.items() if count and key[0] == y]
        several = [key for key, count in self.sums.items() if count > 1 and key[0] == y]
        return y in self.cleared and not (pending or several or any(n for key, n in self.adding.items() if key[0] == y))

    def _add(self, record: Record, duration: int) -> None:
        elements = [(record["y"], record["n"] + i, record["flags"]) for i in range(record["columns"])]
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
        for record, i in conversions:
            self.to_convert[record["y"], record["n"] + i, record["flags"], record["array"], record["column"] + i] += 1
        signed = {m.y for m in self.program.multiplications if m.signed}
        extra = self.program.chip.dac_bits > 1 and any(record["y"] in signed for record in group)
        rounds = range(0, len(conversions), self.program.chip.adcs)
        adc_ps = self.timing.adc_ps[max(record["adc_bits"] for record in group) - 1]
        duration = (8 // self.program.chip.dac_bits + extra) * (self.timing.settle_ps + len(rounds) * adc_ps)

        def ready() -> bool:
            return all(self._is_driven(r) and r["y"] in self.cleared for r in group)

        def begin() -> None:
            demand(not self.plan.has_loads or group[0]["array"] in self.hardware.present)
            self._use("array", group[0]["array"], group[0]["start"], duration)
            self._convert(group, conversions)

        def finish() -> None:
            for record, i in conversions:
                place = record["y"], record["n"] + i, record["flags"], record["array"], record["column"] + i
                self.to_convert[place] -= 1
                if not self.to_convert[place]:
                    self._keep(place)

        self._add_job(group[0], duration, ready, finish, begin)

    def _is_driven(self, record: Record) -> bool:
        """Whether the vector is in the array."""
        own = record["stage"], record["x"], record["array"]
        return own in self.brought if own in self.alone else own[:2] in self.inside

    def _keep(self, place: tuple[int, ...]) -> None:
        """A sum of (y, element, copy, array, column) is there, or is when its array has moved it out."""
        kept = self.kept.get((place[0], place[3]))
        if kept is None:
            self.sums[place[:3]] += 1
        else:
            kept.append(place[:3])

    def _convert(self, group: list[Record], conversions: list[tuple[Record, int]]) -> None:
        """Every column is read once, and sees the cells and inputs that its record means, no others."""
        cells = self.plan.programmed[group[0]["array"]]
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


@pytest.fixture(scope="session")
def can_be_kept() -> Callable[[Program], bool]:
    """Whether the hardware can do what a program says when it says so."""

    def simulate(program: Program) -> bool:
        assert program.timing is not None
        try:
            follow([Simulation(Plan(program), program.timing, Hardware())])
        except Illegal:
            return False
        return True

    return simulate


@pytest.fixture(scope="session")
def can_follow() -> Callable[[Program, dict[int, int]], bool]:
    """Whether tokens can follow each other as a program's pipeline says; inputs become what the token before made."""

    def simulate(program: Program, becomes: dict[int, int]) -> bool:
        assert program.timing is not None
        assert program.pipeline is not None
        records, stages = program.instructions.copy(), list[Stage]()
        records["start"] = program.pipeline.starts
        plan = Plan(replace(program, instructions=records, operations=program.pipeline.operations, stages=stages))
        for number in {stage.number for stage in program.stages}:
            stages.append(Stage(number, 0, 1 << 40))  # a pipeline does not say how long they take
        try:
            moves: list[list[int]] = program.pipeline.moves.tolist()
            alone = Simulation(plan, program.timing, Hardware(), moves=moves)
            follow([alone])
            last = max(job.start + job.duration for job in alone.jobs if job.start is not None)
            hardware, tokens = Hardware(), list[Simulation]()
            most = lcm(*plan.copies.values())
            for number in range((last // program.pipeline.interval_ps + 2) * most):
                shift, before = number * program.pipeline.interval_ps, tokens[-1] if tokens else None
                tokens.append(Simulation(plan, program.timing, hardware, number, shift, before, becomes, moves))
            follow(tokens)
        except Illegal:
            return False
        return True

    return simulate
