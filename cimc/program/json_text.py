"""A program as JSON, line by line: what the listing says, for other programs (docs/objdump.schema.json)."""

import json
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.copies import copies_of_values
from cimc.program.arrays.formats import crossbars
from cimc.program.listing import RecordNodes, copies_in_arrays, records_of, tiles_by_array, used_cells
from cimc.program.metadata import Json
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode
from cimc.program.seal import FORMAT, Seal

FIELDS: Mapping[Opcode, tuple[str, ...]] = {
    Opcode.KERNEL: ("k",),
    Opcode.CLEAR: ("x", "y", "n"),
    Opcode.MULTIPLY: (
        "x", "y", "array", "k", "n", "row", "column", "rows", "columns", "adc_bits", "adc_shift", "bound",
    ),
    Opcode.PERMUTE: ("x", "y", "array", "k"),
    Opcode.TRANSFER: ("x", "array"),
    Opcode.ADD: ("x", "y", "array", "n", "columns"),
    Opcode.LOOP: ("k",),
    Opcode.BRANCH: ("k",),
    Opcode.ELSE: ("k",),
    Opcode.END: ("k",),
    Opcode.LOAD: ("k", "array", "n", "rows"),
}  # fmt: skip
"""What each instruction has (I6), beside `op`, `stage` and `start`."""


def header_json(program: Program, seal: Seal) -> dict[str, Json]:
    """What a program is, as numbers, texts, lists and dictionaries; `seal` is that of its file."""
    controls: list[Json] = [control.to_json() for control in program.controls]
    arrays = np.bincount(program.array_formats, minlength=len(program.formats)).tolist()
    return {
        "format": FORMAT,
        "version": seal.version,
        "digest": seal.digest,
        "compiler": program.compiler,
        "source": program.source.to_json(),
        "mapping": program.mapping,
        "dims": dict(program.dims),
        "options": dict(program.options),
        "chip": program.chip.to_json(),
        "formats": [
            {**format.to_json(), "crossbars": format.slices(program.chip.cell_bits), "arrays": count}
            for format, count in zip(program.formats, arrays, strict=True)
        ],
        "inputs": [value.to_json() for value in program.inputs],
        "outputs": [value.to_json() for value in program.outputs],
        **({"controls": controls} if controls else {}),
        "timing": None if program.timing is None else program.timing.to_json(),
        **({} if program.pipeline is None else {"pipeline": {"interval_ps": program.pipeline.interval_ps}}),
        "counts": {
            "arrays": len(program.arrays),
            "crossbars": crossbars(program),
            "tiles": len(program.tiles),
            "records": len(program.instructions),
            "values": program.slots,
            "kernels": len(program.kernels),
            "stages": len(program.stages),
        },
    }


def json_lines(header: Mapping[str, Json], name: str = "", entries: Iterable[Json] = ()) -> Iterator[str]:
    """An object as lines of text, with a list of that name as the last of its members, an entry a line."""
    members = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in header.items()]
    yield "{"
    yield from (f"  {member}," for member in members[:-1])
    if not name:
        yield f"  {members[-1]}"
    else:
        yield f"  {members[-1]},"
        yield f"  {json.dumps(name)}: ["
        yield from _separated(entries)
        yield "  ]"
    yield "}"


def record_entries(program: Program, chosen: NDArray[np.intp] | None = None) -> Iterator[Json]:
    """The records, or those of these numbers: what each has, and the ONNX nodes that it comes from."""
    nodes = RecordNodes(program)
    copies = copies_of_values(program.multiplications, program.weights, program.slots).tolist()
    moves: dict[int, list[Json]] = {}
    for number, array, link, start in () if program.pipeline is None else program.pipeline.moves.tolist():
        moves.setdefault(number, []).append({"array": array, "link": link, "start": start})
    for number, record in records_of(program, chosen):
        op = Opcode(record["op"])
        entry: dict[str, Json] = {"number": number, "op": op.name.lower(), "stage": record["stage"]}
        entry |= {field: record[field] for field in FIELDS[op]}
        if op is Opcode.TRANSFER:
            entry["direction"] = "into arrays" if record["flags"] == INTO_ARRAYS else "out of arrays"
        if op in (Opcode.MULTIPLY, Opcode.ADD) and copies[record["y"]] > 1:
            entry["copy"] = record["flags"]
        entry["start"] = record["start"]
        if program.pipeline is not None:
            entry["pipeline_start"] = int(program.pipeline.starts[number])
        if number in moves:
            entry["pipeline_moves"] = moves[number]
        yield {**entry, "nodes": list(nodes.of(record))}


def array_entries(program: Program, chosen: NDArray[np.intp] | None = None) -> Iterator[Json]:
    """The arrays that hold tiles, or those of these numbers: the share of cells in use, and what lies where."""
    used = used_cells(program)
    nodes: dict[int, list[Json]] = {}
    for multiplication in program.multiplications:
        nodes.setdefault(multiplication.weight, []).append(multiplication.node)
    last, tiles, formats = -1, list[Json](), program.array_formats.tolist()
    copy_of = copies_in_arrays(program)
    for weight, array, row, column, rows, columns, k, n in tiles_by_array(program, chosen):
        if array != last and tiles:
            yield {"array": last, "used": float(used[last]), "format": formats[last], "tiles": tiles}
            tiles = []
        last = array
        place = {"row": row, "column": column, "rows": rows, "columns": columns, "k": k, "n": n}
        copy: dict[str, Json] = {"copy": copy_of[weight, array]} if (weight, array) in copy_of else {}
        tiles.append({"weight": program.weights[weight].name, "nodes": nodes.get(weight, []), **place, **copy})
    if tiles:
        yield {"array": last, "used": float(used[last]), "format": formats[last], "tiles": tiles}


def _separated(entries: Iterable[Json]) -> Iterator[str]:
    """Lines with commas between them."""
    waiting = ""
    for entry in entries:
        if waiting:
            yield f"{waiting},"
        waiting = f"    {json.dumps(entry)}"
    if waiting:
        yield waiting
