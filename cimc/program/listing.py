"""The listing: a program's records as text, one line a record (docs/instruction-set.md explains it)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cimc.program.metadata import Multiplication, Value
from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, RECORD, Opcode

_BATCH = 4096
"""Records turned into Python numbers at once: fast, and a long listing needs little memory."""
_COMMENT_COLUMN = 112


def header_lines(program: Program) -> Iterator[str]:
    """What a program is: chip, inputs, outputs and how many there are of everything."""
    chip = program.chip
    yield f"; chip {chip.name}: {chip.rows} x {chip.columns}, {chip.encoding}, {chip.cell_bits}-bit cells, " + (
        f"{chip.dac_bits}-bit DAC, {chip.adcs} ADCs of up to {chip.adc_bits} bits"
    )
    yield f"; mapping {program.mapping}: {len(program.arrays)} arrays, {len(program.tiles)} tiles"
    yield f"; {len(program.instructions)} records, {program.slots} values, {len(program.kernels)} kernels"
    for role, values in (("input", program.inputs), ("output", program.outputs)):
        for value in values:
            yield f"; {role} v{value.slot}: {value.dtype}{_shape(value)} {one_line(value.name)}"


def listing_lines(program: Program) -> Iterator[str]:
    """One line for every record, in order."""
    nodes = _Nodes(program)
    names = RECORD.names or ()
    for first in range(0, len(program.instructions), _BATCH):
        for values in program.instructions[first : first + _BATCH].tolist():
            record: dict[str, int] = dict(zip(names, values, strict=True))
            yield _with_comment(_line(record, program), nodes.of(record))


def array_lines(program: Program) -> Iterator[str]:
    """What lies in each array: how much of it is used, then its tiles, `rows, columns <- weight[rows, columns]`."""
    cells = program.chip.rows * program.chip.columns
    order = np.argsort(program.tiles[:, 1], kind="stable")
    last, names = -1, [one_line(weight.name) for weight in program.weights]
    sums = np.bincount(
        program.tiles[:, 1], program.tiles[:, 4].astype(np.int64) * program.tiles[:, 5], len(program.arrays)
    )
    for weight, array, row, column, rows, columns, k, n in _rows(program.tiles[order]):
        if array != last:
            yield f"array {array}: {100 * sums[array] / cells:.1f} % used"
            last = array
        name = names[weight]
        yield f"  [{_span(row, rows)}, {_span(column, columns)}] <- {name}[{_span(k, rows)}, {_span(n, columns)}]"


def _rows(table: NDArray[np.int32]) -> Iterator[list[int]]:
    yield from table.tolist()


class _Nodes:
    """The ONNX nodes that records come from."""

    def __init__(self, program: Program) -> None:
        self.kernels = program.kernels
        self.multiplications: dict[int, Multiplication] = {m.y: m for m in program.multiplications}

    def of(self, record: dict[str, int]) -> str:
        match record["op"]:
            case Opcode.KERNEL:
                return ", ".join(self.kernels[record["k"]].nodes)
            case Opcode.CLEAR | Opcode.MULTIPLY | Opcode.ADD if record["y"] in self.multiplications:
                return self.multiplications[record["y"]].node
            case _:
                return ""


def _line(record: dict[str, int], program: Program) -> str:
    op = Opcode(record["op"])
    return f"stage {record['stage']:<4} {op.name.lower():<8} {_action(op, record, program)} start {record['start']} ps"


def _action(op: Opcode, record: dict[str, int], program: Program) -> str:
    x, y, k, n = f"v{record['x']}", f"v{record['y']}", record["k"], record["n"]
    match op:
        case Opcode.KERNEL:
            kernel = program.kernels[k]
            return f"{_slots(kernel.outputs)} = kernel {k} ({_slots(kernel.inputs)})"
        case Opcode.CLEAR:
            return f"{y} = zeros [{n}] like {x}"
        case Opcode.PERMUTE:
            return f"{y} = {x} by table {k}"
        case Opcode.MULTIPLY:
            rows, columns = record["rows"], record["columns"]
            cells = f"array {record['array']}[{_span(record['row'], rows)}, {_span(record['column'], columns)}]"
            shift = f">>{record['adc_shift']}" if record["adc_shift"] else ""
            conversion = f"adc {record['adc_bits']}{shift} bound {record['bound']}"
            return f"{y}[{_span(n, columns)}] += {x}[{_span(k, rows)}] * {cells} {conversion}"
        case Opcode.TRANSFER:
            return f"{x} {'into' if record['flags'] == INTO_ARRAYS else 'out of'} arrays"
        case Opcode.ADD:
            return f"{y}[{_span(n, record['columns'])}] partial sums on unit {record['array']}"


def _with_comment(line: str, comment: str) -> str:
    return f"{line:<{_COMMENT_COLUMN}} ; {one_line(comment)}" if comment else line


def _span(first: int, length: int) -> str:
    return f"{first}:{first + length}"


def _slots(slots: tuple[int, ...]) -> str:
    return ", ".join(f"v{slot}" for slot in slots)


def _shape(value: Value) -> str:
    if value.shape is None:
        return "[...]"
    return "[" + ", ".join("?" if dim is None else one_line(dim) for dim in value.shape) + "]"
