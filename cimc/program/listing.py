"""The listing: a program's records as text, one line a record (docs/instruction-set.md explains it)."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.copies import copies_of_tiles
from cimc.program.arrays.formats import are_centred, crossbars
from cimc.program.arrays.tiles import own_places
from cimc.program.control_flow.control_text import control_text
from cimc.program.fidelity import fidelity_lines
from cimc.program.metadata import Multiplication, Value
from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, RECORD, Opcode
from cimc.program.seal import FORMAT, VERSION, Seal

_BATCH = 4096
"""Records turned into Python numbers at once: fast, and a long listing needs little memory."""
_COMMENT_COLUMN = 112


def header_lines(program: Program, seal: Seal | None = None) -> Iterator[str]:
    """What a program is: its origin, chip, inputs, outputs, how many there are of everything, and how true it is.

    `seal` is that of its file, if it lies in one.
    """
    chip, source = program.chip, program.source
    yield f"; source {one_line(source.file) or 'unknown'}, digest {one_line(source.digest) or 'unknown'}"
    if seal is not None:
        yield f"; digest {one_line(seal.digest)}"
    version = VERSION if seal is None else seal.version
    yield f"; made by cimc {one_line(program.compiler) or 'unknown'}, format {FORMAT} {version}"
    dims = ", ".join(f"{one_line(name)} = {size}" for name, size in program.dims.items())
    yield f"; dims {dims or 'none fixed'}"
    yield f"; chip {chip.name}: {chip.rows} x {chip.columns}, {chip.encoding}, {chip.cell_bits}-bit cells, " + (
        f"{chip.dac_bits}-bit DAC, {chip.adcs} ADCs of up to {chip.adc_bits} bits"
    )
    counts = f"{len(program.arrays)} arrays of {crossbars(program)} crossbars, {len(program.tiles)} tiles"
    yield f"; mapping {program.mapping}: {counts}"
    for number, arrays in enumerate(np.bincount(program.array_formats, minlength=len(program.formats)).tolist()):
        yield f"; format {number}: {format_text(program, number)}, {arrays} array{'s' if arrays != 1 else ''}"
    yield f"; {len(program.instructions)} records, {program.slots} values, {len(program.kernels)} kernels"
    for role, values in (("input", program.inputs), ("output", program.outputs)):
        for value in values:
            yield f"; {role} v{value.slot}: {value.dtype}{_shape(value)} {one_line(value.name)}"
    if program.pipeline is not None:
        moves = len(program.pipeline.moves)
        own = f", {moves} move{'s' if moves > 1 else ''} of single arrays" if moves else ""
        yield f"; pipeline: a token every {program.pipeline.interval_ps} ps{own}"
    for title, text in fidelity_lines(program):
        yield f"; {title}: {text}"


def format_text(program: Program, number: int) -> str:
    """A format in words: `4-bit offset, centred, 2 crossbars an array`; centred where an offset is no midpoint."""
    format = program.formats[number]
    own = program.array_formats[program.tiles[:, 1]] == number
    centred = ", centred" if are_centred(program)[own].any() else ""
    slices = format.slices(program.chip.cell_bits)
    return f"{format}{centred}, {slices} crossbar{'s' if slices > 1 else ''} an array"


def value_text(value: Value) -> str:
    """Name, type and shape of an input or an output: `x float32[n, 4]`."""
    return f"{one_line(value.name)} {value.dtype}{_shape(value)}"


def listing_lines(program: Program, chosen: NDArray[np.intp] | None = None) -> Iterator[str]:
    """One line for every record, in order, or for those of these numbers."""
    nodes = RecordNodes(program)
    for _, record in records_of(program, chosen):
        yield _with_comment(_line(record, program), ", ".join(nodes.of(record)))


def records_of(program: Program, chosen: NDArray[np.intp] | None = None) -> Iterator[tuple[int, dict[str, int]]]:
    """Records with their numbers, as dictionaries of their fields."""
    names = RECORD.names or ()
    numbers = np.arange(len(program.instructions)) if chosen is None else chosen
    for first in range(0, len(numbers), _BATCH):
        batch = numbers[first : first + _BATCH]
        for number, values in zip(batch.tolist(), program.instructions[batch].tolist(), strict=True):
            yield number, dict(zip(names, values, strict=True))


def array_lines(program: Program, chosen: NDArray[np.intp] | None = None) -> Iterator[str]:
    """What lies in each array: how much of it is used, then its tiles, `rows, columns <- weight[rows, columns]`.

    Only the tiles of these numbers, if some are chosen.
    """
    last, names, used = -1, [one_line(weight.name) for weight in program.weights], used_cells(program)
    copy_of = copies_in_arrays(program)
    for weight, array, row, column, rows, columns, k, n in tiles_by_array(program, chosen):
        if array != last:
            yield f"array {array}: {100 * used[array]:.1f} % used, {program.formats[int(program.array_formats[array])]}"
            last = array
        copy = copy_of.get((weight, array))
        name = names[weight] if copy is None else f"copy {copy} of {names[weight]}"
        yield f"  [{_span(row, rows)}, {_span(column, columns)}] <- {name}[{_span(k, rows)}, {_span(n, columns)}]"


def copies_in_arrays(program: Program) -> dict[tuple[int, int], int]:
    """The copy of each weight with copies that lies in an array; only one of a weight can."""
    copied = [number for number, weight in enumerate(program.weights) if weight.copies > 1]
    table = np.column_stack([program.tiles[:, :2], copies_of_tiles(program.tiles, program.weights)])
    return {(weight, array): copy for weight, array, copy in table[np.isin(table[:, 0], copied)].tolist()}


def used_cells(program: Program) -> NDArray[np.float64]:
    """The share of each array's cells that is programmed."""
    tiles = program.tiles[own_places(program.tiles)]
    sizes = tiles[:, 4].astype(np.int64) * tiles[:, 5]
    return np.bincount(tiles[:, 1], sizes, len(program.arrays)) / (program.chip.rows * program.chip.columns)


def tiles_by_array(program: Program, chosen: NDArray[np.intp] | None = None) -> Iterator[list[int]]:
    """Rows of the table of tiles in the order of their arrays; all, or those of these numbers."""
    tiles = program.tiles if chosen is None else program.tiles[chosen]
    yield from _rows(tiles[np.argsort(tiles[:, 1], kind="stable")])


def _rows(table: NDArray[np.int32]) -> Iterator[list[int]]:
    yield from table.tolist()


class RecordNodes:
    """The ONNX nodes that records come from."""

    def __init__(self, program: Program) -> None:
        self.kernels, self.controls = program.kernels, program.controls
        self.multiplications: dict[int, Multiplication] = {m.y: m for m in program.multiplications}

    def of(self, record: Mapping[str, int]) -> Sequence[str]:
        """Their names; none for a record that moves or reorders a vector."""
        match record["op"]:
            case Opcode.KERNEL:
                return self.kernels[record["k"]].nodes
            case Opcode.LOOP | Opcode.BRANCH | Opcode.ELSE | Opcode.END:
                return [self.controls[record["k"]].node]
            case Opcode.CLEAR | Opcode.MULTIPLY | Opcode.ADD if record["y"] in self.multiplications:
                return [self.multiplications[record["y"]].node]
            case _:
                return []


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
            return f"{y} = {x} by table {k}{_link(record, program)}"
        case Opcode.MULTIPLY:
            rows, columns = record["rows"], record["columns"]
            cells = f"array {record['array']}[{_span(record['row'], rows)}, {_span(record['column'], columns)}]"
            shift = f">>{record['adc_shift']}" if record["adc_shift"] else ""
            conversion = f"adc {record['adc_bits']}{shift} bound {record['bound']}"
            of = f" of copy {record['flags']}" if record["flags"] else ""
            return f"{y}[{_span(n, columns)}] += {x}[{_span(k, rows)}] * {cells}{of} {conversion}"
        case Opcode.TRANSFER:
            direction = "into" if record["flags"] == INTO_ARRAYS else "out of"
            return f"{x} {direction} arrays{_link(record, program)}"
        case Opcode.ADD:
            of = f" of copy {record['flags']}" if record["flags"] else ""
            return f"{y}[{_span(n, record['columns'])}] partial sums{of} on unit {record['array']}"
        case Opcode.LOAD:
            return f"weights {k} into arrays {_span(record['array'], n)}, {record['rows']} rows"
        case Opcode.LOOP | Opcode.BRANCH | Opcode.ELSE | Opcode.END:
            return control_text(op, k, program.controls[k])


def _link(record: dict[str, int], program: Program) -> str:
    """Which link moves a vector, on a chip that counts them."""
    linked = program.timing is not None and program.timing.links is not None
    return f" on link {record['array']}" if linked else ""


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
