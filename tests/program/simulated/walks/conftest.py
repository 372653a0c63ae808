"""Random programs, and changes to them that may spoil what they say of time, to try checker and simulation on."""

from collections.abc import Callable, Collection
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.parser import Parser

from cimc.emitter.emit import emit
from cimc.program.arrays.tiles import programmed_cells
from cimc.program.metadata import Stage, Timing
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.universe import make_context
from dialects.array import MultiplyOp, TableAttr
from dialects.cim import weight_op
from dialects.hardware import MODULE_KEY, ChipAttr, chip_of
from dialects.network import Network
from dialects.weights import WeightStore
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass

# Random networks on random chips, their tiles anywhere.


def random_chip(random: Random) -> ChipAttr:
    dac_bits = random.choice([4, 8])
    units = random.randint(1, 2)
    links = random.choice([{}, {"links": random.randint(1, 3)}])
    widths = random.choice([{}, {"link_bits_per_ns": random.choice([7500.5, 32000])}])
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
            "buffers": random.randint(1, 2),
        }
        | links
        | widths
    )


def scheduled_program(random: Random, parts: int | None = None) -> Program:
    """A program of two stages: products of two inputs with two weights, and a product of what comes from them.

    That one may be with a weight of the first stage, in arrays that serve both. Weights are in the chip all the time,
    or pass through it in at most so many parts.
    """
    store = WeightStore()
    context = make_context(store)
    rows = random.randint(1, 6)
    again, columns = random.choice([("w0", rows), ("v", random.randint(1, 6))])
    width = columns if again == "w0" else 3
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
        f"%y = cim.matmul {random.choice(['%c', '%d'])}, @{again} : {bytes_} -> tensor<?x{width}xi32>",
        f"func.return {', '.join(f'%m{i}' for i in range(len(factors)))}, %d, %y : "
        + ", ".join([sums] * len(factors) + [bytes_, f"tensor<?x{width}xi32>"]),
    ]
    inputs = ", ".join(f"%x{i}: tensor<?x{rows}x{kind}>" for i, kind in enumerate(kinds))
    outputs = ", ".join([sums] * len(factors) + [bytes_, f"tensor<?x{width}xi32>"])
    module = Parser(context, f"func.func @main({inputs}) -> ({outputs}) {{ {' '.join(lines)} }}").parse_module()
    generator = np.random.default_rng(random.randrange(1 << 32))
    for name, shape in (("w0", (rows, columns)), ("w1", (rows, columns)), ("v", (columns, 3))):
        Network(module, store).add_weight(weight_op(name, generator.integers(-128, 128, shape).astype(np.int8), store))
    Network(module, store).add_weight(weight_op("order", generator.permutation(columns), store))
    module.attributes[MODULE_KEY] = random_chip(random)
    TileBlocksPass().apply(context, module)
    if parts is None:
        place_anywhere(module, random)
    else:
        place_in_parts(module, random, parts)
    ScheduleArraysPass().apply(context, module)
    return emit(Network(module, store), mapping="")


def place_anywhere(module: ModuleOp, random: Random) -> None:
    """Tiles of weights somewhere in the arrays, one to three copies of each weight in arrays of their own."""
    chip, placed = chip_of(module), dict[str, tuple[int, TableAttr]]()
    taken = np.zeros((100, chip.rows, chip.columns), np.bool_)
    for op in module.walk():
        if not isinstance(op, MultiplyOp):
            continue
        symbol, tiles = op.symbol, op.tiles.array
        if symbol not in placed:
            copies, places, others = random.choice([1, 1, 2, 3]), list[tuple[int, int, int]](), set[int]()
            for _ in range(copies):
                places += [free_place(taken, rows, columns, random, others) for _, _, rows, columns in tiles.tolist()]
                others = {array for array, _, _ in places}
            placed[symbol] = copies, TableAttr.of(np.array(places))
        copies, op.places = placed[symbol]
        op.tiles = TableAttr.of(np.tile(tiles, (copies, 1)))
        op.copies = IntegerAttr(copies, i64) if copies > 1 else None


def place_in_parts(module: ModuleOp, random: Random, parts: int) -> None:
    """Each weight is in some part, its tiles somewhere in the arrays of that; the chip has as many as one needs."""
    chip, multiplies = chip_of(module), [op for op in module.walk() if isinstance(op, MultiplyOp)]
    load = {symbol: random.randrange(parts) for symbol in sorted({op.symbol for op in multiplies})}
    before = most = 0
    placed: dict[str, TableAttr] = {}
    for part in sorted(set(load.values())):
        taken = np.zeros((50, chip.rows, chip.columns), np.bool_)
        for op in multiplies:
            if load[op.symbol] == part and op.symbol not in placed:
                tiles = op.tiles.array[:, 2:].tolist()
                places = np.array([free_place(taken, rows, columns, random) for rows, columns in tiles])
                placed[op.symbol] = TableAttr.of(places + np.array([before, 0, 0]))
        used = 1 + int(np.flatnonzero(taken.any(axis=(1, 2))).max())
        before, most = before + used, max(most, used)
    for op in multiplies:
        op.places, op.load = placed[op.symbol], IntegerAttr(load[op.symbol], i64)
    given = {"arrays": most + random.randint(0, 1), "program_row_ns": random.randint(1, 3) / 1000}
    module.attributes[MODULE_KEY] = ChipAttr.from_dict(chip.to_dict() | given)


def free_place(
    taken: NDArray[np.bool_], rows: int, columns: int, random: Random, others: Collection[int] = ()
) -> tuple[int, int, int]:
    """A place for a tile, which it takes: anywhere in the first arrays, if they have one, else in an empty array.

    It lies in none of the arrays `others`.
    """
    count, height, width = taken.shape
    tries = [
        (random.randrange(min(2, count)), random.randint(0, height - rows), random.randint(0, width - columns))
        for _ in range(9)
    ]
    for array, row, column in [*tries, *((array, 0, 0) for array in range(count))]:
        area = taken[array, row : row + rows, column : column + columns]
        if array not in others and not area.any():
            area[:] = True
            return array, row, column
    raise AssertionError("no place is left")


def timing_of(program: Program) -> Timing:
    assert program.timing is not None
    return program.timing


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
    others, (count, height, width) = np.delete(program.tiles, number, axis=0), program.arrays.shape
    taken = np.array([programmed_cells(others[others[:, 1] == i], height, width) for i in range(count + 1)])
    to_array, to_row, to_column = free_place(taken, rows, columns, random)
    records = program.instructions
    own = (records["op"] == Opcode.MULTIPLY) & (records["array"] == array)
    own &= (records["row"] >= row) & (records["row"] < row + rows)
    own &= (records["column"] >= column) & (records["column"] < column + columns)
    records["array"][own] = to_array
    records["row"][own] += np.uint16(to_row - row & 0xFFFF)
    records["column"][own] += np.uint16(to_column - column & 0xFFFF)
    program.tiles[number, 1:4] = to_array, to_row, to_column
    program.arrays, program.array_formats = np.zeros(taken.shape, np.int8), np.pad(program.array_formats, (0, 1))


def pull_earlier(program: Program, random: Random) -> None:
    """A record, activation or operator starts a good deal earlier: before another stage has ended, perhaps."""
    earlier = random.randint(1, 20)
    if len(program.operations) and random.random() < 0.5:
        same = (program.operations[:, :2] == random.choice(program.operations[:, :2].tolist())).all(axis=1)
        program.operations[same, 3] = np.maximum(program.operations[same, 3] - earlier, 0)
        kernel = (program.instructions["op"] == Opcode.KERNEL) & (
            program.instructions["k"] == program.operations[same][0, 0]
        )
        program.instructions["start"][kernel] = 0
        return
    names = ["op", "stage", "array", "start", "x", "y"]
    if random.random() < 0.5:
        names = ["op", "stage", "array", "start"]
    records = program.instructions
    chosen = records[names] == random.choice(records)[names]
    records["start"][chosen] = max(0, int(records["start"][chosen][0]) - earlier)


def delay_product(program: Program, random: Random) -> None:
    """All that makes a product happens later: beside another stage, perhaps."""
    records, later = program.instructions, np.uint64(random.choice([1, 5, random.randint(1, 150)]))
    y = random.choice(program.multiplications).y
    made = np.isin(records["op"], (Opcode.MULTIPLY, Opcode.ADD)) & (records["y"] == y)
    made |= (records["op"] == Opcode.TRANSFER) & (records["x"] == y)
    records["start"][made] += later


def change_home(program: Program, random: Random) -> None:
    """A record, or all of a product, belongs to another stage."""
    records, number = program.instructions, random.randrange(len(program.instructions))
    same = np.arange(len(records)) == number
    if random.random() < 0.5:
        same = (records["y"] == records["y"][number]) & (records["op"] != Opcode.PERMUTE)
    records["stage"][same] = random.choice([stage.number for stage in program.stages])


def change_registers(program: Program, random: Random) -> None:
    program.timing = replace(timing_of(program), buffers=random.choice([1, 2, 2]))


def change_links(program: Program, random: Random) -> None:
    """A vector moves on another link, or there are fewer links, or their width counts."""
    moves = np.flatnonzero(np.isin(program.instructions["op"], (Opcode.TRANSFER, Opcode.PERMUTE)))
    match random.randrange(3):
        case 0:
            program.instructions["array"][random.choice(moves.tolist())] = random.randint(
                0, timing_of(program).links or 1
            )
        case 1:
            links = random.randint(1, 4)
            program.timing = replace(timing_of(program), links=links)
            program.instructions["array"][moves] %= links
        case _:
            rate = random.choice([None, 7500.5, 32000, 1e6])
            program.timing = replace(timing_of(program), link_bits_per_ns=rate)


def change_load(program: Program, random: Random) -> None:
    """A load, if there is one, comes earlier or later, also in the order of records, is another one, or is left out."""
    records = program.instructions
    loads = np.flatnonzero(records["op"] == Opcode.LOAD).tolist()
    if not loads:
        return
    number = random.choice(loads)
    match random.randrange(6):
        case 0:
            records["start"][number] = max(0, int(records["start"][number]) + random.choice([-9, -3, -1, 1, 3, 9]))
        case 1:
            records["rows"][number] = max(1, int(records["rows"][number]) + random.choice([-1, 1]))
        case 2:
            records["array"][number] = random.randrange(len(program.arrays))
            records["n"][number] = random.randint(1, 1 + int(records["n"][number]))
        case 3:
            other = random.choice(loads)
            start = records["start"][number]
            records[number] = records[other]
            records["start"][number] = start
        case 4:
            to = min(max(number + random.choice([-3, -2, -1, 1, 2, 3]), 0), len(records) - 1)
            moved, rest = records[number].copy(), np.delete(records, number)
            program.instructions = np.insert(rest, to, moved)
        case _:
            program.instructions = np.delete(records, number)


CHANGES = (
    change_load,
    shift_record,
    join_activations,
    shift_operation,
    change_unit,
    change_addition,
    leave_transfer_out,
    change_stage,
    move_tile,
    pull_earlier,
    delay_product,
    change_home,
    change_registers,
    change_links,
)
OFTEN = (3, 8, 4, 2, 1, 2, 1, 1, 4, 8, 8, 1, 2, 2)


def stretched(program: Program, factor: int) -> Program:
    """The program with all starts multiplied, which leaves room to shift things."""
    other = copied(program)
    other.instructions["start"] *= np.uint64(factor)
    other.operations[:, 3] *= factor
    other.stages = [Stage(s.number, factor * s.start_ps, factor * s.duration_ps) for s in program.stages]
    return other


def copied(program: Program) -> Program:
    """The program with tables of its own."""
    tables = {name: getattr(program, name).copy() for name in ("instructions", "operations", "tiles")}
    return replace(program, **tables)


def linked(program: Program) -> Program:
    """The program with a link for each vector that moves."""
    moves = np.isin(program.instructions["op"], (Opcode.TRANSFER, Opcode.PERMUTE))
    program.instructions["array"][moves] = np.arange(np.count_nonzero(moves))
    return replace(program, timing=replace(timing_of(program), links=int(np.count_nonzero(moves))))


def with_long_stages(program: Program) -> Program:
    """The program with stages that are longer than all, so that anything may happen in them."""
    return replace(program, stages=[Stage(stage.number, 0, 1 << 20) for stage in program.stages])


def loosened(program: Program, random: Random) -> Program:
    """The program with some room to change its times."""
    program = stretched(program, random.randint(1, 3))
    if timing_of(program).links is None and random.random() < 0.5:
        program = linked(program)
    if timing_of(program).buffers == 1:
        change_registers(program, random)
    return with_long_stages(program) if random.random() < 0.8 else program


@pytest.fixture(scope="session")
def random_program() -> Callable[[Random], Program]:
    """Makes a program that the hardware can keep, with some room to change its times."""
    return lambda random: loosened(scheduled_program(random), random)


@pytest.fixture(scope="session")
def reloaded_program() -> Callable[[Random], Program]:
    """The same, with weights that pass through the chip in up to three parts."""
    return lambda random: loosened(scheduled_program(random, parts=random.randint(1, 3)), random)


@pytest.fixture(scope="session")
def changed() -> Callable[[Program, Random], Program]:
    """A copy of a program after one to three changes, which may have spoilt its numbers or its times."""

    def change(program: Program, random: Random) -> Program:
        other = copied(program)
        for each in random.choices(CHANGES, OFTEN, k=random.randint(1, 3)):
            each(other, random)
        return other

    return change
