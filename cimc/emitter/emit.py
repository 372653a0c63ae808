"""Makes a program of a scheduled network: records, one operation after the other, array contents, kernels, metadata."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import I64, ArrayAttr, IntegerAttr, ModuleOp, StringAttr
from xdsl.ir import Operation
from xdsl.utils.hints import isa

from cimc.emitter.contents import contents
from cimc.emitter.controls import control_of
from cimc.emitter.kernel_forms import one_of_each_form
from cimc.emitter.kernels import ConstantPool, kernel_of, unsupported
from cimc.emitter.ports import network_inputs, network_outputs
from cimc.emitter.slots import Slots
from cimc.emitter.timed_records import kernel_work, multiply_records
from cimc.machine.onnx_kernels import OnnxKernels
from cimc.program.control_flow.controls import Control
from cimc.program.errors import ProgramError
from cimc.program.metadata import Chip, Json, Kernel, Multiplication, Source, Stage, Timing, Weight
from cimc.program.program import OPERATION_FIELDS, Program
from cimc.program.records import (
    INTO_ARRAYS,
    OUT_OF_ARRAYS,
    Opcode,
    Records,
    clear_record,
    control_record,
    kernel_record,
    load_record,
    no_records,
    permute_record,
    transfer_record,
)
from cimc.program.schedule.checker import verify_schedule
from dialects.array import ControlOp, KernelOp, LoadOp, MultiplyOp, PermuteOp, StageOp, TransferOp
from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp
from dialects.element_types import element_type, i8
from dialects.errors import UserError
from dialects.hardware import ChipAttr, chip_of
from dialects.locations import node_name
from dialects.network import SOURCE, Network, operations
from dialects.notes import (
    arrays_without_sharing,
    copies_gain,
    dense_weights,
    layer_notes,
    permutations_before_folding,
)
from dialects.texts import unescaped
from passes.rewriting.chip_times import picoseconds, resources_of


def emit(
    network: Network,
    *,
    mapping: str,
    dims: Mapping[str, int] | None = None,
    compiler: str = "",
    folder: Path | None = None,
) -> Program:
    """The program of a network whose multiplications are placed and scheduled; large arrays lie in a file in `folder`.

    Raises UserError naming node, operator and domain if a digital operation cannot run.
    """
    return _Emitter(network, folder).program(mapping, dims or {}, compiler)


class _Emitter:
    def __init__(self, network: Network, folder: Path | None):
        self.network, self.folder = network, folder
        self.chip = chip_of(network.module)
        self.slots, self.pool = Slots(), ConstantPool()
        self.kernels: list[Kernel] = []
        self.kernel_ops: list[list[DigitalOp]] = []
        self.records: list[Records] = [no_records()]
        self.multiplications: list[Multiplication] = []
        self.tables: list[NDArray[np.int32]] = []
        self.table_numbers: dict[str, int] = {}
        self.controls: list[Control] = []
        self.stages: list[Stage] = []
        self.operations: list[NDArray[np.int64]] = [np.zeros((0, len(OPERATION_FIELDS)), np.int64)]
        self.numbers: dict[str, int] = {}
        self.users: dict[str, MultiplyOp] = {}

    def program(self, mapping: str, dims: Mapping[str, int], compiler: str) -> Program:
        inputs = network_inputs(self.network, self.slots)
        for op in operations(self.network.block):
            if isinstance(op, MultiplyOp):
                self.numbers.setdefault(op.symbol, len(self.numbers))
                self.users.setdefault(op.symbol, op)
        for op in self.network.body:
            self._translate(op)
        held = contents(self.network, list(self.users.values()), self.chip, self.folder)
        program = Program(
            chip=_chip(self.chip),
            arrays=held.arrays,
            tiles=held.tiles,
            formats=held.formats,
            array_formats=held.array_formats,
            offsets=held.offsets,
            instructions=np.concatenate(self.records),
            kernels=self.kernels,
            tables=self.tables,
            constants=self.pool.arrays,
            inputs=inputs,
            outputs=network_outputs(self.network, self.slots),
            slots=self.slots.count,
            weights=[self._weight(symbol, op) for symbol, op in self.users.items()],
            multiplications=self.multiplications,
            controls=self.controls,
            stages=self.stages,
            operations=np.concatenate(self.operations),
            timing=_timing(self.chip, any(isinstance(op, LoadOp) for op in self.network.body)),
            notes=_notes(self.network.module),
            dims=dims,
            mapping=mapping,
            compiler=compiler,
            source=_source(self.network.module),
        )
        self._check(program)
        return program

    def _translate(self, op: Operation) -> None:
        """The records of an operation of the scheduled network."""
        if isinstance(op, KernelOp):
            self._kernel(op)
        elif isinstance(op, StageOp):
            self._stage(op)
        elif isinstance(op, PermuteOp):
            self._permute(op)
        elif isinstance(op, ControlOp):
            self._control(op)
        elif isinstance(op, LoadOp):
            self._load(op)
        else:
            assert isinstance(op, ConstantOp | ReadOp | NoneOp), f"{op.name} is not scheduled"

    def _kernel(self, op: KernelOp) -> None:
        kernel, places = kernel_of(self.network, op, self.slots, self.pool)
        number, start = _time(op.number), _time(op.start_ps)
        assert number == len(self.kernels), f"kernel {number} is not the next one"
        self.records.append(kernel_record(stage=len(self.stages), kernel=number, start=start))
        self.operations.append(kernel_work(op, places, number, start))
        self.kernels.append(kernel)
        self.kernel_ops.append(op.operators)

    def _stage(self, stage: StageOp) -> None:
        number, start = _time(stage.number), _time(stage.start_ps)
        self.stages.append(Stage(number, start, _time(stage.duration_ps)))
        for op in stage.body.block.ops:  # what a transfer moves stays in its slot
            if isinstance(op, TransferOp) and op.is_inward:
                self.slots.share(op.result, op.x)
        for value, result in zip(stage.yielded, stage.results):
            assert isinstance(value.owner, TransferOp)
            self.slots.share(value, result)
            self.slots.share(value.owner.x, result)
        for op in stage.body.block.ops:
            if isinstance(op, TransferOp):
                self.records.append(self._transfer(op, number, start))
            elif isinstance(op, MultiplyOp):
                self.multiplications.append(self._multiplication(op))
                self.records += self._multiply(op, number, start)

    def _transfer(self, op: TransferOp, stage: int, start: int) -> Records:
        direction = INTO_ARRAYS if op.is_inward else OUT_OF_ARRAYS
        x, begin = self.slots.of(op.x), start + _time(op.start_ps)
        return transfer_record(stage=stage, x=x, direction=direction, link=_link(op), start=begin)

    def _multiply(self, op: MultiplyOp, stage: int, start: int) -> list[Records]:
        x, y = self.slots.of(op.x), self.slots.of(op.result)
        clear = clear_record(stage=stage, x=x, y=y, n=self._shape(op)[1], start=start)
        return [clear, *multiply_records(op, stage, x, y, start)]

    def _multiplication(self, op: MultiplyOp) -> Multiplication:
        x, y = self.slots.of(op.x), self.slots.of(op.result)
        signed = element_type(op.x.type) == i8
        weight, bits = self.numbers[op.symbol], op.bits_of_inputs
        return Multiplication(y, x, weight, node_name(op), self._order(op), signed, bits)

    def _table(self, symbol: str) -> int:
        """The number of the table that holds the weight `@symbol`."""
        if symbol not in self.table_numbers:
            self.table_numbers[symbol] = len(self.tables)
            self.tables.append(self.network.array(symbol).astype(np.int32))
        return self.table_numbers[symbol]

    def _order(self, op: MultiplyOp) -> int | None:
        structure = self.network.weight(op.symbol).structure
        symbol = None if structure is None else structure.order_symbol
        return None if symbol is None else self._table(symbol)

    def _permute(self, op: PermuteOp) -> None:
        table, start = self._table(op.symbol), _time(op.start_ps)
        x, y = self.slots.of(op.x), self.slots.of(op.result)
        stage, link = len(self.stages), _link(op)
        self.records.append(permute_record(stage=stage, x=x, y=y, table=table, link=link, start=start))

    def _control(self, op: ControlOp) -> None:
        """The records of all bodies, between those of the control flow."""
        number, start = len(self.controls), _time(op.start_ps)
        self.controls.append(control_of(op, self.slots))
        opening = (Opcode.BRANCH, Opcode.ELSE) if op.op_type.data == "If" else (Opcode.LOOP,)
        for block, opcode in zip(op.in_order, opening):
            self._flow(opcode, number, start)
            for inner in list(block.ops)[:-1]:
                self._translate(inner)
            start = max([start, *(_end(inner) for inner in block.ops)])
        self._flow(Opcode.END, number, _time(op.start_ps) + _time(op.duration_ps))

    def _load(self, op: LoadOp) -> None:
        first, last = _time(op.first), _time(op.last)
        number, rows, start = _time(op.load), _time(op.rows), _time(op.start_ps)
        stage, arrays = len(self.stages), last - first + 1
        self.records.append(load_record(stage=stage, load=number, array=first, arrays=arrays, rows=rows, start=start))

    def _flow(self, op: Opcode, control: int, start: int) -> None:
        self.records.append(control_record(op=op, stage=len(self.stages), control=control, start=start))

    def _shape(self, op: MultiplyOp) -> tuple[int, int]:
        return self.network.weight(op.symbol).matrix_shape

    def _weight(self, symbol: str, op: MultiplyOp) -> Weight:
        rows, columns = self._shape(op)
        kind, copies = self.network.weight(symbol).kind, op.count_of_copies
        return Weight(unescaped(symbol), rows, columns, node_name(op), kind, copies)

    def _check(self, program: Program) -> None:
        """An illegal program is a bug of ours; a kernel that cannot run is named with its node."""
        try:
            program.verify()
            verify_schedule(program)
        except ProgramError as error:
            raise AssertionError(f"the emitted program is illegal: {error}") from error
        try:
            OnnxKernels(replace(program, kernels=one_of_each_form(program.kernels)))
        except ProgramError as error:
            for ops in self.kernel_ops:
                reason = unsupported(self.network, ops)
                if reason is not None:
                    raise UserError(reason) from error
            raise


def _end(op: Operation) -> int:
    """When an operation of a scheduled network is done [ps]; 0 for a constant."""
    return _time(op.start_ps) + _time(op.duration_ps) if isinstance(op, _TIMED) else 0


_TIMED = KernelOp | StageOp | PermuteOp | ControlOp | LoadOp


def _time(attribute: IntegerAttr[I64]) -> int:
    """A number or a time [ps] of what is scheduled."""
    return attribute.value.data


def _link(op: TransferOp | PermuteOp) -> int:
    """The link that a vector moves on; 0 where there is any number of them."""
    return 0 if op.link is None else _time(op.link)


def _timing(chip: ChipAttr, has_loads: bool) -> Timing:
    """What the steps of a program take; with weights that are loaded during a run, how long that takes, too."""
    resources = resources_of(chip)
    return Timing(
        settle_ps=resources.times.settle_ps,
        adc_ps=resources.times.adc_ps,
        transfer_ps=picoseconds(chip.transfer_ns),
        add_ps=resources.add_ps,
        digital_units=resources.digital_units,
        attention_units=resources.attention_units,
        vector_width=resources.vector_width,
        buffers=resources.buffers,
        links=resources.links,
        link_bits_per_ns=chip.number("link_bits_per_ns"),
        program_row_ps=picoseconds(chip.program_row_ns) if has_loads else None,
    )


def _chip(chip: ChipAttr) -> Chip:
    known = ("name", "rows", "columns", "cell_bits", "dac_bits", "adc_bits", "adcs", "encoding")
    values = {k: list[Json](v) if isinstance(v, tuple) else v for k, v in chip.to_dict().items()}
    details: dict[str, Json] = {k: v for k, v in values.items() if k not in known}
    return Chip(
        chip.chip_name,
        chip.rows,
        chip.columns,
        chip.cell_bits,
        chip.dac_bits,
        chip.adc_bits,
        chip.adcs,
        chip.encoding,
        details,
    )


def _notes(module: ModuleOp) -> dict[str, Json]:
    """What passes said of layers, and how many permutations there were before some were folded."""
    before = permutations_before_folding(module)
    layers: list[Json] = [dict(note) for note in layer_notes(module)]
    notes: dict[str, Json] = {
        "layers": layers,
        "permutations_before_folding": before,
        "dense_weights": dense_weights(module),
    }
    others = {"arrays_without_sharing": arrays_without_sharing(module), "copies_gain": copies_gain(module)}
    return notes | {name: value for name, value in others.items() if value is not None}


def _source(module: ModuleOp) -> Source:
    entry = module.attributes.get(SOURCE)
    if not isa(entry, ArrayAttr[StringAttr]):
        return Source()
    file, digest, *initializers = (unescaped(text.data) for text in entry)
    return Source(file, digest, tuple(initializers))
