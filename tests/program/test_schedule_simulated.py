"""The checker of schedules against a simulation of rows, columns, ADCs, units and partial sums in time.

The simulation follows the program's times and stops where something starts that cannot. Schedules that the compiler
made are legal to both; after a change, the checker must find something wrong exactly where the simulation does.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import load_model_from_string
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.emitter.emit import emit
from cimc.program.errors import ProgramError
from cimc.program.metadata import Stage, Timing
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode
from cimc.program.schedule import verify_schedule
from cimc.universe import make_context
from dialects.array import MultiplyOp
from dialects.cim import weight_op
from dialects.hardware import MODULE_KEY, ChipAttr, chip_of
from dialects.network import add_weight
from dialects.tables import TableAttr
from dialects.weights import WeightStore
from passes.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass

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
        ends = dict(zip(("transfer", "add"), (self.timing.transfer_ps, self.timing.add_ps)))
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
                    self._move(record, ends["transfer"])
                case Opcode.ADD:
                    self._add(record, ends["add"])
                case Opcode.MULTIPLY:
                    key = tuple(record[name] for name in ("stage", "array", "start"))
                    activations.setdefault(key, []).append(record)
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


# Random networks on random chips, their tiles anywhere.


def random_chip(random: Random) -> ChipAttr:
    dac_bits = random.choice([4, 8])
    units = random.randint(1, 2)
    return ChipAttr.from_dict(
        {
            "name": "random",
            "rows": random.randint(2, 4),
            "columns": random.randint(2, 4),
            "cell_bits": 2,
            "dac_bits": dac_bits,
            "adc_bits": {4: 6, 8: 10}[dac_bits] + random.randint(0, 2),
            "adcs": random.randint(1, 2),
            "encoding": random.choice(["offset", "twos-complement", "differential"]),
            "settle_ns": random.randint(0, 2) / 1000,
            "adc_kind": "flash",
            "adc_step_ns": random.randint(1, 2) / 1000,
            "transfer_ns": random.randint(0, 3) / 1000,
            "digital_units": units,
            "add_ns": random.randint(1, 3) / 1000,
            "vector_width": random.randint(1, 4),
            "compare_ns": 0.001,
            "function_ns": 0.003,
            "normalize_ns": 0.004,
            "attention_units": 1,
            "attention_macs_per_ns": 1000,
        }
    )


def scheduled_program(random: Random) -> Program:
    """A program of two stages: products of two inputs with two weights, and a product of what comes from them."""
    store = WeightStore()
    context = make_context(store)
    rows, columns = random.randint(1, 6), random.randint(1, 6)
    kinds = [random.choice(["ui8", "i8"]) for _ in range(2)]
    factors = [(random.randrange(2), random.randrange(2)) for _ in range(random.randint(1, 3))]
    sums, bytes_ = f"tensor<?x{columns}xi32>", f"tensor<?x{columns}xui8>"
    lines = [
        f"%m{i} = cim.matmul %x{x}, @w{w} : tensor<?x{rows}x{kinds[x]}> -> {sums}" for i, (x, w) in enumerate(factors)
    ]
    lines += [
        f'%a = cim.digital "Neg"(%m0) : ({sums}) -> {sums}',
        f'%b = cim.digital "Add"(%a, %m{random.randrange(len(factors))}) : ({sums}, {sums}) -> {sums}',
        f'%c = cim.digital "Cast"(%b) with {{to = 2 : i64}} : ({sums}) -> {bytes_}',
        f"%d = cim.permute %c, @order : {bytes_} -> {bytes_}",
        f"%y = cim.matmul {random.choice(['%c', '%d'])}, @v : {bytes_} -> tensor<?x3xi32>",
        f"func.return {', '.join(f'%m{i}' for i in range(len(factors)))}, %d, %y : "
        + ", ".join([sums] * len(factors) + [bytes_, "tensor<?x3xi32>"]),
    ]
    inputs = ", ".join(f"%x{i}: tensor<?x{rows}x{kind}>" for i, kind in enumerate(kinds))
    outputs = ", ".join([sums] * len(factors) + [bytes_, "tensor<?x3xi32>"])
    module = Parser(context, f"func.func @main({inputs}) -> ({outputs}) {{ {' '.join(lines)} }}").parse_module()
    generator = np.random.default_rng(random.randrange(1 << 32))
    for name, shape in (("w0", (rows, columns)), ("w1", (rows, columns)), ("v", (columns, 3))):
        add_weight(module, weight_op(name, generator.integers(-128, 128, shape).astype(np.int8), store))
    add_weight(module, weight_op("order", generator.permutation(columns), store))
    module.attributes[MODULE_KEY] = random_chip(random)
    TileBlocksPass().apply(context, module)
    place_anywhere(module, random)
    ScheduleArraysPass().apply(context, module)
    return emit(module, store, mapping="")


def place_anywhere(module: ModuleOp, random: Random) -> None:
    chip, placed = chip_of(module), dict[str, TableAttr]()
    taken = np.zeros((40, chip.rows, chip.columns), np.bool_)
    for op in module.walk():
        if not isinstance(op, MultiplyOp):
            continue
        symbol = op.weight.root_reference.data
        if symbol not in placed:
            places = [free_place(taken, rows, columns, random) for _, _, rows, columns in op.tiles.array.tolist()]
            placed[symbol] = TableAttr.of(np.array(places))
        op.places = placed[symbol]


def free_place(taken: NDArray[np.bool_], rows: int, columns: int, random: Random) -> tuple[int, int, int]:
    """A place for a tile, which it takes: anywhere in the first arrays, if they have one, else in an empty array."""
    count, height, width = taken.shape
    tries = [
        (random.randrange(min(2, count)), random.randint(0, height - rows), random.randint(0, width - columns))
        for _ in range(9)
    ]
    for array, row, column in [*tries, *((array, 0, 0) for array in range(count))]:
        area = taken[array, row : row + rows, column : column + columns]
        if not area.any():
            area[:] = True
            return array, row, column
    raise AssertionError("no place is left")


# Changes: some spoil the schedule, some do not.


def shift_record(program: Program, random: Random) -> None:
    """One record, or all MULTIPLY records of an activation, earlier or later."""
    records = program.instructions
    chosen = records[[random.randrange(len(records))]]
    names = ["op", "stage", "array", "start"]
    together = records[names] == chosen[names]
    if chosen["op"][0] != Opcode.MULTIPLY or random.random() < 0.5:
        together = (records == chosen) & (np.cumsum(records == chosen) == 1)
    start = max(0, int(chosen["start"][0]) + random.choice([-7, -3, -2, -1, -1, 1, 2, 3, 7]))
    records["start"][together] = start


def join_activations(program: Program, random: Random) -> None:
    """A MULTIPLY starts together with another one of its array, if there is one."""
    records = program.instructions
    number = random.choice(np.flatnonzero(records["op"] == Opcode.MULTIPLY).tolist())
    others = records[(records["op"] == Opcode.MULTIPLY) & (records["array"] == records["array"][number])]
    records["start"][number] = random.choice(others["start"].tolist())


def shift_operation(program: Program, random: Random) -> None:
    if len(program.operations):
        number, column = random.randrange(len(program.operations)), random.choice([3, 3, 4])
        rows = program.operations
        same = (
            (rows[:, :2] == rows[number, :2]).all(axis=1) if random.random() < 0.7 else np.arange(len(rows)) == number
        )
        least = 1 if column == 4 else 0
        rows[same, column] = max(least, rows[number, column] + random.choice([-3, -1, 1, 3]))


def change_unit(program: Program, random: Random) -> None:
    adds = np.flatnonzero(program.instructions["op"] == Opcode.ADD).tolist()
    if adds:
        program.instructions["array"][random.choice(adds)] = random.randrange(3)
    if len(program.operations):
        program.operations[random.randrange(len(program.operations)), 2] = random.randrange(3)


def change_addition(program: Program, random: Random) -> None:
    """An addition is left out, done twice, or of other elements."""
    records = program.instructions
    adds = np.flatnonzero(records["op"] == Opcode.ADD).tolist()
    if not adds:
        return
    number = random.choice(adds)
    match random.randrange(3):
        case 0:
            program.instructions = np.delete(records, number)
        case 1:
            program.instructions = np.insert(records, number, records[number])
            program.instructions["start"][number] += random.randint(0, 9)
        case _:
            records["columns"][number] = random.randint(1, 4)


def leave_transfer_out(program: Program, random: Random) -> None:
    number = random.choice(np.flatnonzero(program.instructions["op"] == Opcode.TRANSFER).tolist())
    program.instructions = np.delete(program.instructions, number)


def change_stage(program: Program, random: Random) -> None:
    stages, number = list(program.stages), random.randrange(len(program.stages))
    stage, change = stages[number], random.choice([-2, -1, 1, 2])
    times = (stage.start_ps + change, stage.duration_ps), (stage.start_ps, stage.duration_ps + change)
    start, duration = random.choice(times)
    stages[number] = replace(stage, start_ps=max(0, start), duration_ps=max(0, duration))
    program.stages = stages


def move_tile(program: Program, random: Random) -> None:
    """A tile lies somewhere else, where it may be in the way of another one's sums."""
    number = random.randrange(len(program.tiles))
    _, array, row, column, rows, columns, _, _ = program.tiles[number].tolist()
    others = _programmed(replace(program, tiles=np.delete(program.tiles, number, axis=0)))
    taken = np.concatenate([others, np.zeros_like(others[:1])])
    to_array, to_row, to_column = free_place(taken, rows, columns, random)
    records = program.instructions
    own = (records["op"] == Opcode.MULTIPLY) & (records["array"] == array)
    own &= (records["row"] >= row) & (records["row"] < row + rows)
    own &= (records["column"] >= column) & (records["column"] < column + columns)
    records["array"][own] = to_array
    records["row"][own] += np.uint16(to_row - row & 0xFFFF)
    records["column"][own] += np.uint16(to_column - column & 0xFFFF)
    program.tiles[number, 1:4] = to_array, to_row, to_column
    program.arrays = np.zeros(taken.shape, np.int8)


CHANGES = (
    shift_record,
    join_activations,
    shift_operation,
    change_unit,
    change_addition,
    leave_transfer_out,
    change_stage,
    move_tile,
)
OFTEN = (8, 4, 2, 1, 2, 1, 1, 4)


def stretched(program: Program, factor: int) -> Program:
    """The program with all starts multiplied, which leaves room to shift things."""
    records, operations = program.instructions.copy(), program.operations.copy()
    records["start"] *= np.uint64(factor)
    operations[:, 3] *= factor
    stages = [Stage(s.number, factor * s.start_ps, factor * s.duration_ps) for s in program.stages]
    tiles = program.tiles.copy()
    return replace(program, instructions=records, operations=operations, stages=stages, tiles=tiles)


def is_legal(check: Callable[[], None]) -> bool:
    try:
        check()
    except (ProgramError, Illegal):
        return False
    return True


def compare(random: Random, programs: int) -> list[bool]:
    """What checker and simulation agree on: whether each of some changed programs is legal."""
    program = scheduled_program(random)
    assert program.timing is not None
    found: list[bool] = []
    for _ in range(programs):
        other = stretched(program, random.randint(1, 3))
        verify_schedule(other)
        Simulation(other, program.timing).run()
        for change in random.choices(CHANGES, OFTEN, k=random.randint(1, 3)):
            change(other, random)
        if is_legal(other.verify):
            legal = is_legal(lambda other=other: verify_schedule(other))
            assert legal == is_legal(Simulation(other, program.timing).run)
            found.append(legal)
    return found


@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False))
def test_checker_and_simulation_agree(random: Random) -> None:
    compare(random, 8)


def test_changes_are_often_legal_and_often_not() -> None:
    found = [legal for seed in range(20) for legal in compare(Random(seed), 10)]
    assert 0.2 < np.mean(found) < 0.8
    assert len(found) > 150
