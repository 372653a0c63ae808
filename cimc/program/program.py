"""Programs: what the compiler emits, the file holds, the listing shows and the machine runs."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.formats import AUTO, Format, first_offsets, midpoints, usual_format
from cimc.program.arrays.tiles import TILE_FIELDS
from cimc.program.container import Container, Tensor, read_container, write_container
from cimc.program.control_flow.bodies import bodies_of
from cimc.program.control_flow.controls import Control, control_from_json
from cimc.program.distance import Distance
from cimc.program.errors import ProgramError, reading
from cimc.program.metadata import (
    ENCODINGS,
    Chip,
    Input,
    Json,
    JsonObject,
    Kernel,
    Multiplication,
    Source,
    Stage,
    Timing,
    Value,
    Weight,
)
from cimc.program.onnx_models.kernel_checks import verify_models
from cimc.program.records import RECORD, Opcode, Records, no_records
from cimc.program.seal import FORMAT, MEASURED, UNSEALED, VERSION, digest_of, parse_metadata, sealed
from cimc.program.times.pipeline import MOVE_FIELDS, Pipeline, no_moves, verify_pipelined
from cimc.program.verification.checks import verify_slots
from cimc.program.verification.chips import verify_chip, verify_timing
from cimc.program.verification.copies import verify_copies
from cimc.program.verification.formats import verify_formats, verify_offsets, verify_weights
from cimc.program.verification.kernels import verify_kernels, verify_operations, verify_tables
from cimc.program.verification.multiplications import verify_multiplications, verify_orders
from cimc.program.verification.order import Flow, verify_order
from cimc.program.verification.records import verify_records
from cimc.program.verification.tiles import verify_tiles

MAXIMAL_SLOTS = 1 << 22
OPERATION_FIELDS = ("kernel", "node", "unit", "start_ps", "duration_ps")
"""Columns of the table of digital operators that take time; `node` counts through the kernel's ONNX graph."""
_WORDS = RECORD.itemsize // 8
_Element = TypeVar("_Element", bound=np.generic)


@dataclass(eq=False)
class Program:
    """A compiled network. docs/file-format.md tells what every part means.

    `arrays` is int8 [arrays, rows, columns], 0 where nothing is programmed; `tiles` is int32 [tiles, 8],
    with the columns TILE_FIELDS; `tables` are int32 permutations; `slots` is the number of values; `operations` is
    int64 [operations, 5], with the columns OPERATION_FIELDS. Without `timing`, starts mean nothing; `pipeline` may have
    others for many tokens.

    `formats[array_formats[a]]` is the format of array `a`, and `offsets` are those of the columns of all tiles, in the
    order of `tiles`. Where they are missing, weights have 8 bits, the chip's encoding, and midpoints for offsets.
    """

    chip: Chip
    arrays: NDArray[np.int8]
    tiles: NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, len(TILE_FIELDS)), np.int32))
    instructions: Records = field(default_factory=no_records)
    tables: Sequence[NDArray[np.int32]] = ()
    kernels: Sequence[Kernel] = ()
    constants: Sequence[Tensor] = ()
    inputs: Sequence[Input] = ()
    outputs: Sequence[Value] = ()
    slots: int = 0
    weights: Sequence[Weight] = ()
    multiplications: Sequence[Multiplication] = ()
    controls: Sequence[Control] = ()
    stages: Sequence[Stage] = ()
    operations: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, len(OPERATION_FIELDS)), np.int64))
    timing: Timing | None = None
    pipeline: Pipeline | None = None
    notes: Mapping[str, Json] = field(default_factory=dict[str, Json])
    dims: Mapping[str, int] = field(default_factory=dict[str, int])
    mapping: str = "linear"
    compiler: str = ""
    source: Source = field(default_factory=Source)
    options: Mapping[str, Json] = field(default_factory=dict[str, Json])
    """What else the compiler was asked for, by name; nothing where that is not known."""
    measured: Distance | None = None
    """How far the program is from its original, if that was measured; whoever changes the program has to forget it."""
    formats: Sequence[Format] = ()
    array_formats: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    offsets: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))

    def __post_init__(self) -> None:
        self.formats = self.formats or [usual_format(self.chip)]
        if not self.array_formats.size:
            self.array_formats = np.zeros(len(self.arrays), np.uint8)
        if not self.offsets.size:
            self.offsets = midpoints(self.tiles, self.formats, self.array_formats, self.chip.columns)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the program to a file: all of it, or (raising ProgramError) nothing."""
        tensors = self._to_tensors()
        metadata = self._to_json()
        content: dict[str, Json] = {**metadata, "digest": digest_of(metadata, tensors)}
        if self.measured is not None:
            content[MEASURED] = sealed(self.measured.to_json(), content["digest"])
        write_container(path, Container(json.dumps(content, sort_keys=True, allow_nan=False), tensors))

    @staticmethod
    def load(path: str | os.PathLike[str], *, verify_digest: bool = True) -> "Program":
        """Maps a program file into memory and checks it; arrays and constants are read from it when needed.

        Raises ProgramError, naming the file, if it is missing, damaged, or of another format or version.
        """
        container = read_container(path)
        with reading(path):
            program = _from_container(container, verify_digest)
            program.verify()
        return program

    def verify(self) -> None:
        """Raises ProgramError unless every number that is used as an index is a valid one, and kernels keep to them."""
        verify_chip(self.chip, self.arrays)
        verify_timing(self.timing)
        if self.slots > MAXIMAL_SLOTS:
            raise ProgramError(f"the program has {self.slots} values, expected at most {MAXIMAL_SLOTS}")
        verify_tiles(self.tiles, self.weights, self.arrays)
        verify_formats(self.formats, self.array_formats, len(self.arrays))
        verify_offsets(self.tiles, self.offsets, self.formats, self.array_formats)
        verify_weights(self.arrays, self.tiles, self.offsets, self.formats, self.array_formats)
        verify_multiplications(self.multiplications, self.weights, self.slots)
        verify_kernels(self.kernels, len(self.constants), self.slots)
        verify_tables(self.tables)
        verify_orders(self.multiplications, self.weights, self.tables)
        inputs, outputs = [value.slot for value in self.inputs], [value.slot for value in self.outputs]
        verify_slots(inputs, self.slots, "an input")
        verify_slots(outputs, self.slots, "an output")
        for number, control in enumerate(self.controls):
            used = [*control.reads, *control.writes, *chain(*control.begins, *control.ends)]
            verify_slots(used, self.slots, f"control flow {number}")
        counts = {"slots": self.slots, "kernels": len(self.kernels), "tables": len(self.tables)}
        verify_records(self.instructions, self.arrays, self.weights, self.multiplications, counts)
        verify_copies(self.instructions, self.arrays, self.tiles, self.weights, self.multiplications, self.slots)
        flow = Flow(self.controls, bodies_of(self.instructions, self.controls))
        verify_order(self.instructions, self.kernels, flow, inputs, outputs, self.slots)
        verify_operations(self.operations, len(self.kernels))
        self._verify_pipeline()
        verify_models(self.kernels, self.constants)

    def _verify_pipeline(self) -> None:
        if self.pipeline is None:
            return
        if self.timing is None:
            raise ProgramError("the program has a pipeline and no timing, expected both")
        if self.controls:
            raise ProgramError("the program has a pipeline and control flow that multiplies, expected one of them")
        if (self.instructions["op"] == Opcode.LOAD).any():
            raise ProgramError("the program has a pipeline and weights that are loaded, expected one of them")
        verify_pipelined(self.pipeline, self.instructions, self.operations, len(self.arrays))

    def _to_tensors(self) -> dict[str, Tensor]:
        """The tensors of the file; records as words of 64 bits, so that they are aligned in it."""
        words = np.ascontiguousarray(self.instructions).view(np.uint64).reshape(-1, _WORDS)
        tensors: dict[str, Tensor] = {"arrays": self.arrays, "tiles": self.tiles, "instructions": words}
        tensors |= {"operations": self.operations, "array_formats": self.array_formats, "offsets": self.offsets}
        tensors.update((f"tables.{i}", table) for i, table in enumerate(self.tables))
        tensors.update((f"constants.{i}", constant) for i, constant in enumerate(self.constants))
        tensors.update((f"kernels.{i}", np.frombuffer(k.model, np.uint8)) for i, k in enumerate(self.kernels))
        return tensors if self.pipeline is None else tensors | self.pipeline.to_tensors()

    def _to_json(self) -> dict[str, Json]:
        controls: list[Json] = [control.to_json() for control in self.controls]
        pipeline: dict[str, Json] = {} if self.pipeline is None else {"interval_ps": self.pipeline.interval_ps}
        return {
            "format": FORMAT,
            "version": VERSION,
            "cimc": self.compiler,
            "chip": self.chip.to_json(),
            "formats": [format.to_json() for format in self.formats],
            "mapping": self.mapping,
            "dims": dict(self.dims),
            "inputs": [value.to_json() for value in self.inputs],
            "outputs": [value.to_json() for value in self.outputs],
            "slots": self.slots,
            "weights": [weight.to_json() for weight in self.weights],
            "multiplications": [multiplication.to_json() for multiplication in self.multiplications],
            "kernels": [kernel.to_json() for kernel in self.kernels],
            "tables": len(self.tables),
            "constants": len(self.constants),
            "stages": [stage.to_json() for stage in self.stages],
            "timing": None if self.timing is None else self.timing.to_json(),
            "notes": dict(self.notes),
            "source": self.source.to_json(),
            "options": dict(self.options),
            **({"controls": controls} if controls else {}),
            **({"pipeline": pipeline} if pipeline else {}),
        }


def _from_container(container: Container, verify_digest: bool) -> Program:
    metadata = parse_metadata(container.metadata)
    if verify_digest:
        contents = {key: value for key, value in metadata.fields.items() if key not in UNSEALED}
        digest, expected = digest_of(contents, container.tensors), metadata.text("digest")
        if digest != expected:
            raise ProgramError(f"damaged: the contents have digest {digest[:16]}, expected {expected[:16]}")
    measured = _measured(metadata, verify_digest)
    tensors = _Tensors(container.tensors)
    chip = Chip.from_json(metadata.child("chip"))
    arrays, tiles = tensors.take("arrays", np.int8, 3), tensors.take("tiles", np.int32, 2, len(TILE_FIELDS))
    formats, array_formats, offsets = _formats(metadata, tensors, chip, arrays, tiles)
    dims = metadata.child("dims")
    kernels = enumerate(metadata.children("kernels"))
    operations = tensors.take("operations", np.int64, 2, len(OPERATION_FIELDS))
    return Program(
        chip=chip,
        arrays=arrays,
        tiles=tiles,
        instructions=tensors.take("instructions", np.uint64, 2, _WORDS).view(RECORD).reshape(-1),
        tables=[tensors.take(f"tables.{i}", np.int32, 1) for i in range(metadata.count("tables"))],
        kernels=[Kernel.from_json(k, tensors.take(f"kernels.{i}", np.uint8, 1).tobytes()) for i, k in kernels],
        constants=[tensors.any(f"constants.{i}") for i in range(metadata.count("constants"))],
        inputs=[Input.from_json(value) for value in metadata.children("inputs")],
        outputs=[Value.from_json(value) for value in metadata.children("outputs")],
        slots=metadata.count("slots"),
        weights=[Weight.from_json(value) for value in metadata.children("weights")],
        multiplications=[Multiplication.from_json(value) for value in metadata.children("multiplications")],
        controls=[control_from_json(c) for c in metadata.children("controls")] if "controls" in metadata.fields else [],
        stages=[Stage.from_json(stage) for stage in metadata.children("stages")],
        operations=operations,
        timing=None if metadata.fields.get("timing") is None else Timing.from_json(metadata.child("timing")),
        pipeline=_pipeline(metadata, tensors, operations),
        notes=metadata.child("notes").fields,
        dims={name: dims.count(name) for name in dims.fields},
        mapping=metadata.text("mapping"),
        compiler=metadata.text("cimc"),
        source=Source.from_json(metadata.child("source")),
        options=metadata.child("options").fields if "options" in metadata.fields else {},
        measured=measured,
        formats=formats,
        array_formats=array_formats,
        offsets=offsets,
    )


def _formats(
    metadata: JsonObject, tensors: "_Tensors", chip: Chip, arrays: NDArray[np.int8], tiles: NDArray[np.int32]
) -> tuple[list[Format], NDArray[np.uint8], NDArray[np.int16]]:
    """Formats, those of arrays, and offsets; versions before 4 had one format for all, and midpoints."""
    if metadata.count("version") < 4:
        if chip.encoding == AUTO:
            raise ProgramError(f"chip encoding {AUTO} is unknown in version 3, expected {', '.join(ENCODINGS)}")
        formats, own = [usual_format(chip)], np.zeros(len(arrays), np.uint8)
        return formats, own, midpoints(tiles, formats, own, chip.columns)
    formats = [Format.from_json(format) for format in metadata.children("formats")]
    own = tensors.take("array_formats", np.uint8, 1, len(arrays))
    return formats, own, tensors.take("offsets", np.int16, 1, int(first_offsets(tiles)[-1]))


def _pipeline(metadata: JsonObject, tensors: "_Tensors", operations: NDArray[np.int64]) -> Pipeline | None:
    if "pipeline" not in metadata.fields:
        return None
    own = tensors.take("pipeline_operations", np.int64, 2, 2)
    starts = tensors.take("pipeline_starts", np.uint64, 1)
    moves = (
        tensors.take("pipeline_moves", np.int64, 2, len(MOVE_FIELDS)) if tensors.has("pipeline_moves") else no_moves()
    )
    return Pipeline.from_tensors(metadata.child("pipeline").count("interval_ps"), starts, own, operations, moves)


def _measured(metadata: JsonObject, verify_digest: bool) -> Distance | None:
    if MEASURED not in metadata.fields:
        return None
    measured = metadata.child(MEASURED)
    figures = {key: value for key, value in measured.fields.items() if key != "digest"}
    if verify_digest and sealed(figures, metadata.text("digest"))["digest"] != measured.text("digest"):
        raise ProgramError("damaged: what was measured is of another program, or has been changed")
    return Distance.from_json(measured)


class _Tensors:
    """The tensors of a file, handed out with the element type and shape they must have."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = tensors

    def has(self, name: str) -> bool:
        return name in self.tensors

    def any(self, name: str) -> Tensor:
        if name not in self.tensors:
            raise ProgramError(f"damaged: there is no tensor {name}")
        return self.tensors[name]

    def take(self, name: str, element: type[_Element], rank: int, width: int | None = None) -> NDArray[_Element]:
        tensor = self.any(name)
        if tensor.dtype != element or tensor.ndim != rank or (width is not None and tensor.shape[-1] != width):
            raise ProgramError(f"damaged: tensor {name} is {tensor.dtype} {list(tensor.shape)}")
        return tensor.view(element)
