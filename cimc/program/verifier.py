"""Checks of a program's numbers: after them, every number that is used as an index is a valid one.

What cannot be known before a run (the shapes of values that kernels compute) is checked by the machine.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cimc.program.control_flow.bodies import WHOLE, Body, body_of_records
from cimc.program.control_flow.controls import Control
from cimc.program.errors import ProgramError
from cimc.program.formats import AUTO
from cimc.program.mapped import release
from cimc.program.metadata import (
    DIGIT_BITS,
    ENCODINGS,
    MAXIMAL_ARRAY_SIDE,
    MAXIMAL_DETAIL,
    MAXIMAL_UNITS,
    Chip,
    Kernel,
    Multiplication,
    Timing,
    Weight,
)
from cimc.program.records import ADC_BITS, ADC_SHIFTS, CONTROL_FLOW, INTO_ARRAYS, OUT_OF_ARRAYS, Opcode, Records

_READ_TOGETHER = 256
"""Arrays after which the memory of a mapped file is given back."""
TILE_FIELDS = ("weight", "array", "row", "column", "rows", "columns", "weight_row", "weight_column")


def verify_chip(chip: Chip, arrays: NDArray[np.int8]) -> None:
    """The chip is one that the machine can imitate, and the arrays have its shape."""
    if chip.encoding not in (*ENCODINGS, AUTO):
        raise ProgramError(f"chip encoding {chip.encoding} is unknown, expected {', '.join((*ENCODINGS, AUTO))}")
    for name, bits in (("cell_bits", chip.cell_bits), ("dac_bits", chip.dac_bits)):
        if bits not in DIGIT_BITS:
            raise ProgramError(f"chip {name} is {bits}, expected 1, 2, 4 or 8")
    for name, number, most in (
        ("rows", chip.rows, MAXIMAL_ARRAY_SIDE),
        ("columns", chip.columns, MAXIMAL_ARRAY_SIDE),
        ("adcs", chip.adcs, MAXIMAL_ARRAY_SIDE),
        ("adc_bits", chip.adc_bits, max(ADC_BITS)),
    ):
        if not 1 <= number <= most:
            raise ProgramError(f"chip {name} is {number}, expected 1 to {most}")
    for key, value in chip.details.items():
        if isinstance(value, int | float) and not abs(value) <= MAXIMAL_DETAIL:
            raise ProgramError(f"chip {key} is a number above {MAXIMAL_DETAIL}")
    if arrays.shape[1:] != (chip.rows, chip.columns):
        raise ProgramError(f"arrays have shape {arrays.shape[1:]}, the chip has {(chip.rows, chip.columns)}")


def verify_timing(timing: Timing | None) -> None:
    """There are not more digital and attention units than a chip can have."""
    if timing is None:
        return
    for name, units in (("digital_units", timing.digital_units), ("attention_units", timing.attention_units)):
        if units > MAXIMAL_UNITS:
            raise ProgramError(f"{name} is {units}, expected at most {MAXIMAL_UNITS}")


def verify_tiles(tiles: NDArray[np.int32], weights: Sequence[Weight], arrays: NDArray[np.int8]) -> None:
    """Tiles lie inside their array and weight, and no weight lies outside of tiles (I4).

    Two of them have the same cells, or none in common: equal parts of weights may share a place.
    """
    field = {name: tiles[:, i].astype(np.int64) for i, name in enumerate(TILE_FIELDS)}
    if tiles.size and tiles.min() < 0:
        raise ProgramError(f"tile {int(np.argwhere(tiles < 0)[0, 0])} has a negative number")
    _below(field["weight"], len(weights), "tile", "lies in weight", "weights")
    _below(field["array"], arrays.shape[0], "tile", "lies in array", "arrays")
    heights, widths = _weight_sizes(weights)
    _spans(field["row"], field["rows"], arrays.shape[1], "tile", "array rows")
    _spans(field["column"], field["columns"], arrays.shape[2], "tile", "array columns")
    _spans(field["weight_row"], field["rows"], heights[field["weight"]], "tile", "weight rows")
    _spans(field["weight_column"], field["columns"], widths[field["weight"]], "tile", "weight columns")
    _verify_coverage(tiles, arrays)


def own_places(tiles: NDArray[np.int32]) -> NDArray[np.intp]:
    """The numbers of tiles of which no two begin at the same cell of an array: of those that do, the first."""
    return np.sort(_places(tiles)[0])


def _places(tiles: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first tile at each cell where any begins, and for each tile which of these begins where it does."""
    array, row, column = (tiles[:, i].astype(np.int64) for i in (1, 2, 3))
    width, height = 1 + int(column.max(initial=0)), 1 + int(row.max(initial=0))
    place = (array * height + row) * width + column
    _, first, same = np.unique(place, return_index=True, return_inverse=True)
    return first, same


def tiles_by_array(tiles: NDArray[np.int32], arrays: int) -> list[NDArray[np.int64]]:
    """For every array the numbers of the tiles that lie in it."""
    order = np.argsort(tiles[:, 1], kind="stable")
    bounds = np.searchsorted(tiles[order, 1], np.arange(arrays + 1)).tolist()
    return [order[first:last] for first, last in pairwise(bounds)]


def programmed_cells(tiles: NDArray[np.int32], rows: int, columns: int) -> NDArray[np.bool_]:
    """Which cells of one array its `tiles` (all in that array) program, as booleans [rows, columns]."""
    programmed = np.zeros((rows, columns), np.bool_)
    for _, _, row, column, height, width, _, _ in tiles.tolist():
        programmed[row : row + height, column : column + width] = True
    return programmed


def _verify_coverage(tiles: NDArray[np.int32], arrays: NDArray[np.int8]) -> None:
    _, rows, columns = arrays.shape
    first, same = _places(tiles)
    for tile in np.flatnonzero((tiles[:, 4:6] != tiles[first[same], 4:6]).any(axis=1))[:1].tolist():
        raise ProgramError(f"tiles overlap in array {tiles[tile, 1]}")
    tiles = tiles[first]
    areas, counts = np.zeros(len(arrays), np.int64), np.bincount(tiles[:, 1], minlength=len(arrays))
    np.add.at(areas, tiles[:, 1], tiles[:, 4].astype(np.int64) * tiles[:, 5])
    members = tiles_by_array(tiles, len(arrays))
    for array in np.flatnonzero((areas != rows * columns) | (counts != 1)).tolist():
        programmed = programmed_cells(tiles[members[array]], rows, columns)
        if areas[array] != np.count_nonzero(programmed):
            raise ProgramError(f"tiles overlap in array {array}")
        if arrays[array][~programmed].any():
            raise ProgramError(f"array {array} holds weights outside of its tiles")
        if array % _READ_TOGETHER == 0:
            release(arrays)


def verify_slots(numbers: Iterable[int], slots: int, user: str) -> None:
    """All numbers are value slots."""
    for number in numbers:
        if number >= slots:
            raise ProgramError(f"{user} uses value {number}, the program has {slots} values")


def verify_multiplications(multiplications: Sequence[Multiplication], weights: Sequence[Weight], slots: int) -> None:
    """Multiplications name values and weights that exist, and each writes a value of its own."""
    for number, multiplication in enumerate(multiplications):
        verify_slots((multiplication.x, multiplication.y), slots, f"multiplication {number}")
    _below(
        np.array([m.weight for m in multiplications], np.int64),
        len(weights),
        "multiplication",
        "uses weight",
        "weights",
    )
    if len({multiplication.y for multiplication in multiplications}) != len(multiplications):
        raise ProgramError("two multiplications write the same value")


def verify_orders(
    multiplications: Sequence[Multiplication], weights: Sequence[Weight], tables: Sequence[NDArray[np.int32]]
) -> None:
    """The tables that order the columns of a multiplication are permutations of them (I13)."""
    for number, multiplication in enumerate(multiplications):
        if multiplication.order is None:
            continue
        if multiplication.order >= len(tables):
            reference = f"multiplication {number} is ordered by table {multiplication.order}"
            raise ProgramError(f"{reference}, the program has {len(tables)} tables")
        table, columns = tables[multiplication.order], weights[multiplication.weight].columns
        if len(table) != columns or not np.array_equal(np.sort(table), np.arange(columns)):
            raise ProgramError(
                f"table {multiplication.order} is no order of the {columns} columns of multiplication {number}"
            )


def verify_kernels(kernels: Sequence[Kernel], constants: int, slots: int) -> None:
    """Kernels name values and constants that exist."""
    for number, kernel in enumerate(kernels):
        verify_slots(kernel.inputs + kernel.outputs, slots, f"kernel {number}")
        for constant in kernel.constants:
            if constant >= constants:
                raise ProgramError(f"kernel {number} uses constant {constant}, the program has {constants} constants")


def verify_tables(tables: Sequence[NDArray[np.int32]]) -> None:
    """Tables are lists of element numbers."""
    for number, table in enumerate(tables):
        if table.size and table.min() < 0:
            raise ProgramError(f"table {number} holds the negative number {table.min()}")


def verify_records(
    records: Records,
    arrays: NDArray[np.int8],
    weights: Sequence[Weight],
    multiplications: Sequence[Multiplication],
    counts: Mapping[str, int],
) -> None:
    """Records address arrays, kernels, tables and values that exist (I7); `counts` tells how many there are."""
    _one_of(records["op"], list(Opcode), "opcode")
    multiply = records["op"] == Opcode.MULTIPLY
    _one_of(records["adc_bits"], ADC_BITS, "adc_bits", multiply)
    _one_of(records["adc_shift"], ADC_SHIFTS, "adc_shift", multiply)
    _below(records["x"], counts["slots"], "record", "reads value", "values")
    _below(records["y"], counts["slots"], "record", "writes value", "values")
    _below(records["array"], len(arrays), "record", "uses array", "arrays", multiply)
    _below(records["k"], counts["kernels"], "record", "runs kernel", "kernels", records["op"] == Opcode.KERNEL)
    _below(records["k"], counts["tables"], "record", "uses table", "tables", records["op"] == Opcode.PERMUTE)
    _spans(records["row"], records["rows"], arrays.shape[1], "record", "array rows", multiply)
    _spans(records["column"], records["columns"], arrays.shape[2], "record", "array columns", multiply)
    _one_of(records["flags"], (INTO_ARRAYS, OUT_OF_ARRAYS), "direction", records["op"] == Opcode.TRANSFER)
    _verify_operands(records, weights, multiplications, counts["slots"])


def verify_operations(operations: NDArray[np.int64], kernels: int) -> None:
    """Digital operators belong to kernels that exist, and take time."""
    if operations.size and operations.min() < 0:
        raise ProgramError(f"operation {int(np.argwhere(operations < 0)[0, 0])} has a negative number")
    _below(operations[:, 0], kernels, "operation", "belongs to kernel", "kernels")


def _verify_operands(
    records: Records, weights: Sequence[Weight], multiplications: Sequence[Multiplication], slots: int
) -> None:
    """Every MULTIPLY, CLEAR and ADD belongs to a multiplication (I11) and stays inside its weight (I7)."""
    source = np.full(slots, -1, np.int64)
    weight = np.zeros(slots, np.int64)
    for multiplication in multiplications:
        source[multiplication.y] = multiplication.x
        weight[multiplication.y] = multiplication.weight
    heights, widths = _weight_sizes(weights)
    multiply, add = records["op"] == Opcode.MULTIPLY, records["op"] == Opcode.ADD
    of_array = multiply | add | (records["op"] == Opcode.CLEAR)
    for number in np.flatnonzero(of_array & (source[records["y"]] != records["x"]))[:1].tolist():
        x, y = int(records["x"][number]), int(records["y"][number])
        raise ProgramError(f"record {number}: no multiplication of value {x} gives value {y}")
    if not of_array.any():
        return
    height, width = heights[weight[records["y"]]], widths[weight[records["y"]]]
    _spans(records["k"], records["rows"], height, "record", "weight rows", multiply)
    _spans(records["n"], records["columns"], width, "record", "weight columns", multiply | add)
    for number in np.flatnonzero((records["op"] == Opcode.CLEAR) & (records["n"] != width))[:1].tolist():
        raise ProgramError(
            f"record {number} clears {records['n'][number]} columns, the weight has {width[number]} columns"
        )


@dataclass(frozen=True)
class Flow:
    """The control flow of a program, and its bodies."""

    controls: Sequence[Control]
    bodies: Sequence[Body]

    def reads(self) -> Iterator[tuple[int, int]]:
        """The numbers of records, and the values that control flow reads there; in front of the record."""
        for body in self.bodies:
            control = self.controls[body.control]
            if not body.branch:
                yield from ((body.opens, slot) for slot in control.reads)
            yield from ((body.closes, slot) for slot in control.ends[body.branch])

    def writes(self) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """The numbers of records, the body in which values are written there (`WHOLE` for none), and these values."""
        for number, body in enumerate(self.bodies):
            control = self.controls[body.control]
            yield body.opens, number, control.begins[body.branch]
            if body.branch == len(control.ends) - 1:
                yield body.closes, body.around, control.writes


@dataclass(frozen=True)
class _Written:
    """For every value the number of the record that writes it, -1 for inputs and the number of records for none.

    `body` is the body in which it is known, and `until` the record at which that ends.
    """

    by: NDArray[np.int64]
    body: NDArray[np.int64]
    until: NDArray[np.int64]

    def check(self, number: int, slot: int) -> None:
        """ProgramError unless the value is known in front of the record of that number."""
        if self.by[slot] >= number:
            raise ProgramError(f"record {number} uses value {slot} before it is written")
        if self.until[slot] < number:
            raise ProgramError(f"record {number} uses value {slot} outside of the body that writes it")


def verify_order(
    records: Records,
    kernels: Sequence[Kernel],
    flow: Flow,
    inputs: Sequence[int],
    outputs: Sequence[int],
    slots: int,
) -> None:
    """Every value is written once, before it is read (I1), and where it is known (I20).

    MULTIPLY and ADD work on what a CLEAR of the same body has written (I2).
    """
    op, x, y = records["op"], records["x"], records["y"]
    runs = [(number, kernels[int(records["k"][number])]) for number in np.flatnonzero(op == Opcode.KERNEL).tolist()]
    inside = body_of_records(records, flow.bodies)
    written = _writers(records, runs, flow, inside, inputs, slots)
    readers = np.flatnonzero(~np.isin(op, (Opcode.KERNEL, *CONTROL_FLOW)))
    wrong = (written.by[x[readers]] >= readers) | (written.until[x[readers]] < readers)
    for number in readers[wrong][:1].tolist():
        written.check(number, int(x[number]))
    adders = np.flatnonzero((op == Opcode.MULTIPLY) | (op == Opcode.ADD))
    clears = np.concatenate([op == Opcode.CLEAR, [False]])  # the last one stands for values never written
    for number in adders[(written.by[y[adders]] >= adders) | ~clears[written.by[y[adders]]]][:1].tolist():
        raise ProgramError(f"record {number} adds to value {y[number]}, which no CLEAR has written")
    for number in adders[written.body[y[adders]] != inside[adders]][:1].tolist():
        raise ProgramError(f"record {number} adds to value {y[number]}, which is cleared outside of its body")
    for number, kernel in runs:
        for slot in kernel.inputs:
            written.check(number, slot)
    for number, slot in flow.reads():
        written.check(number, slot)
    for slot in outputs:
        if written.by[slot] >= len(records) or written.body[slot] != WHOLE:
            raise ProgramError(f"the output in value {slot} is never written")


def _writers(
    records: Records,
    runs: Sequence[tuple[int, Kernel]],
    flow: Flow,
    inside: NDArray[np.int64],
    inputs: Sequence[int],
    slots: int,
) -> _Written:
    written = _Written(np.full(slots, len(records), np.int64), *np.full((2, slots), WHOLE, np.int64))
    times = np.zeros(slots, np.int64)
    clearing = np.flatnonzero((records["op"] == Opcode.CLEAR) | (records["op"] == Opcode.PERMUTE))
    writes = [(records["y"][clearing], clearing, inside[clearing]), (list(inputs), -1, WHOLE)]
    writes += [(list(kernel.outputs), number, inside[number]) for number, kernel in runs]
    writes += [(list(values), number, body) for number, body, values in flow.writes()]
    for values, number, body in writes:
        written.by[values] = number
        written.body[values] = body
        np.add.at(times, values, 1)
    for slot in np.flatnonzero(times > 1)[:1].tolist():
        raise ProgramError(f"value {slot} is written {times[slot]} times, expected once")
    ends = np.array([*(body.closes for body in flow.bodies), len(records)], np.int64)  # the last one for `WHOLE`
    written.until[:] = ends[written.body]
    return written


def _weight_sizes(weights: Sequence[Weight]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    heights = np.array([weight.rows for weight in weights], np.int64)
    return heights, np.array([weight.columns for weight in weights], np.int64)


def _one_of(
    values: NDArray[np.integer], allowed: Sequence[int], field: str, chosen: NDArray[np.bool_] | None = None
) -> None:
    wrong = ~np.isin(values, np.array(allowed))
    for number in np.flatnonzero(wrong if chosen is None else wrong & chosen)[:1].tolist():
        raise ProgramError(f"record {number} has {field} {values[number]}, expected {min(allowed)} to {max(allowed)}")


def _below(
    values: NDArray[np.integer],
    count: int,
    who: str,
    does: str,
    things: str,
    chosen: NDArray[np.bool_] | None = None,
) -> None:
    wrong = values >= count
    for number in np.flatnonzero(wrong if chosen is None else wrong & chosen)[:1].tolist():
        raise ProgramError(f"{who} {number} {does} {values[number]}, the program has {count} {things}")


def _spans(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    limit: int | NDArray[np.int64],
    who: str,
    things: str,
    chosen: NDArray[np.bool_] | None = None,
) -> None:
    limits = np.broadcast_to(np.asarray(limit), first.shape)
    end = first.astype(np.int64) + length
    wrong = (length < 1) | (end > limits)
    for number in np.flatnonzero(wrong if chosen is None else wrong & chosen)[:1].tolist():
        raise ProgramError(
            f"{who} {number} covers {things} {first[number]} to {end[number]}, there are {limits[number]}"
        )
