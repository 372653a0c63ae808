"""The checker of schedules against the simulation: they agree on every program.

Schedules that the compiler made are legal to both; after a change, the checker must find something wrong exactly where
the simulation does.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.emitter.emit import emit
from cimc.program.arrays.tiles import programmed_cells
from cimc.program.errors import ProgramError
from cimc.program.metadata import Stage
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule
from cimc.universe import make_context
from dialects.array import MultiplyOp, TableAttr
from dialects.cim import weight_op
from dialects.hardware import MODULE_KEY, ChipAttr, chip_of
from dialects.network import Network
from dialects.weights import WeightStore
from passes.schedule_arrays.schedule_arrays import ScheduleArraysPass
from passes.tile_blocks import TileBlocksPass

Simulate = Callable[[Program], bool]


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
        Network(module, store).add_weight(weight_op(name, generator.integers(-128, 128, shape).astype(np.int8), store))
    Network(module, store).add_weight(weight_op("order", generator.permutation(columns), store))
    module.attributes[MODULE_KEY] = random_chip(random)
    TileBlocksPass().apply(context, module)
    place_anywhere(module, random)
    ScheduleArraysPass().apply(context, module)
    return emit(Network(module, store), mapping="")


def place_anywhere(module: ModuleOp, random: Random) -> None:
    chip, placed = chip_of(module), dict[str, TableAttr]()
    taken = np.zeros((40, chip.rows, chip.columns), np.bool_)
    for op in module.walk():
        if not isinstance(op, MultiplyOp):
            continue
        symbol = op.symbol
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


def raises(check: Callable[[], None]) -> bool:
    try:
        check()
    except ProgramError:
        return True
    return False


def compare(random: Random, programs: int, can_be_kept: Simulate) -> list[bool]:
    """What checker and simulation agree on: whether each of some changed programs is legal."""
    program = scheduled_program(random)
    found: list[bool] = []
    for _ in range(programs):
        other = stretched(program, random.randint(1, 3))
        verify_schedule(other)
        assert can_be_kept(other)
        for change in random.choices(CHANGES, OFTEN, k=random.randint(1, 3)):
            change(other, random)
        if not raises(other.verify):
            legal = not raises(lambda other=other: verify_schedule(other))
            assert legal == can_be_kept(other)
            found.append(legal)
    return found


@settings(max_examples=80, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_checker_and_simulation_agree(can_be_kept: Simulate, random: Random) -> None:
    compare(random, 8, can_be_kept)


def test_changes_are_often_legal_and_often_not(can_be_kept: Simulate) -> None:
    found = [legal for seed in range(20) for legal in compare(Random(seed), 10, can_be_kept)]
    assert 0.2 < np.mean(found) < 0.8
    assert len(found) > 150
