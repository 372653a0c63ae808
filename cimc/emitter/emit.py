"""Makes a program of a scheduled module: records in the order of the stages, array contents, kernels, metadata."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.ir import Operation, SSAValue
from xdsl.utils.hints import isa

from cimc.emitter.kernel_forms import one_of_each_form
from cimc.emitter.kernels import ConstantPool, kernel_of, segments, unsupported
from cimc.emitter.ports import network_inputs, network_outputs
from cimc.emitter.slots import Slots
from cimc.emitter.timed_records import kernel_work, stage_records
from cimc.machine.onnx_kernels import OnnxKernels
from cimc.program.errors import ProgramError
from cimc.program.metadata import Chip, Json, Kernel, Multiplication, Source, Stage, Timing, Weight
from cimc.program.program import OPERATION_FIELDS, Program
from cimc.program.records import (
    INTO_ARRAYS,
    OUT_OF_ARRAYS,
    Records,
    clear_record,
    kernel_record,
    no_records,
    permute_record,
    transfer_record,
)
from cimc.program.schedule.checker import verify_schedule
from dialects.array import MultiplyOp, StageOp
from dialects.cim import DigitalOp, PermuteOp
from dialects.element_types import element_type, i8
from dialects.errors import UserError
from dialects.hardware import ChipAttr, chip_of
from dialects.locations import node_name
from dialects.network import SOURCE, Network, operations
from dialects.notes import dense_weights, layer_notes, permutations_before_folding
from dialects.semantics.weight_values import stored_matrix
from dialects.texts import unescaped
from passes.schedule_arrays.chip_times import picoseconds, resources_of


def emit(network: Network, *, mapping: str, dims: Mapping[str, int] | None = None, compiler: str = "") -> Program:
    """The program of a module whose multiplications are placed and scheduled.

    Raises UserError naming node, operator and domain if a digital operation cannot run.
    """
    return _Emitter(network).program(mapping, dims or {}, compiler)


class _Emitter:
    def __init__(self, network: Network):
        self.network = network
        self.chip = chip_of(network.module)
        self.slots, self.pool = Slots(), ConstantPool()
        self.kernels: list[Kernel] = []
        self.kernel_ops: list[list[Operation]] = []
        self.records: list[Records] = [no_records()]
        self.multiplications: list[Multiplication] = []
        self.tables: list[NDArray[np.int32]] = []
        self.table_numbers: dict[str, int] = {}
        self.stages: list[Stage] = []
        self.operations: list[NDArray[np.int64]] = [np.zeros((0, len(OPERATION_FIELDS)), np.int64)]
        self.clock = 0
        """When all that was emitted is done, in ps from the start of the run."""
        self.numbers: dict[str, int] = {}
        self.users: dict[str, MultiplyOp] = {}

    def program(self, mapping: str, dims: Mapping[str, int], compiler: str) -> Program:
        inputs = network_inputs(self.network, self.slots)
        for op in operations(self.network.block):
            if isinstance(op, MultiplyOp):
                self.numbers.setdefault(op.symbol, len(self.numbers))
                self.users.setdefault(op.symbol, op)
        for ops, end in segments(self.network):
            self._segment(ops, len(self.stages))
            if isinstance(end, StageOp):
                self._stage(end)
            elif end is not None:
                self._permute(end, len(self.stages))
        arrays, tiles = self._contents()
        program = Program(
            chip=_chip(self.chip),
            arrays=arrays,
            tiles=tiles,
            instructions=np.concatenate(self.records),
            kernels=self.kernels,
            tables=self.tables,
            constants=self.pool.arrays,
            inputs=inputs,
            outputs=network_outputs(self.network, self.slots),
            slots=len(self.slots.numbers),
            weights=[self._weight(symbol, op) for symbol, op in self.users.items()],
            multiplications=self.multiplications,
            stages=self.stages,
            operations=np.concatenate(self.operations),
            timing=_timing(self.chip),
            notes=_notes(self.network.module),
            dims=dims,
            mapping=mapping,
            compiler=compiler,
            source=_source(self.network.module),
        )
        self._check(program)
        return program

    def _segment(self, ops: list[Operation], stage: int) -> None:
        """A kernel, which starts when all before is done; constants alone are there from the start of the run on."""
        made = kernel_of(self.network, ops, self.slots, self.pool)
        if made is not None:
            kernel, places = made
            start = self.clock if any(isinstance(op, DigitalOp) for op in ops) else 0
            self.records.append(kernel_record(stage=stage, kernel=len(self.kernels), start=start))
            work = kernel_work(ops, places, len(self.kernels))
            self.operations.append(work)
            self.clock = int((work[:, 3] + work[:, 4]).max(initial=self.clock))
            self.kernels.append(kernel)
            self.kernel_ops.append(ops)

    def _stage(self, stage: StageOp) -> None:
        number, start, duration = (int(p.value.data) for p in (stage.number, stage.start_ps, stage.duration_ps))
        self.stages.append(Stage(number, start, duration))
        self.clock = start + duration
        multiplies = [op for op in stage.body.block.ops if isinstance(op, MultiplyOp)]
        made = [self._multiplication(op, result) for op, result in zip(multiplies, stage.results, strict=True)]
        self.multiplications += made
        for x in dict.fromkeys(m.x for m in made):
            self.records.append(transfer_record(stage=number, x=x, direction=INTO_ARRAYS, start=start))
        for op, m in zip(multiplies, made):
            clear = clear_record(stage=number, x=m.x, y=m.y, n=self._shape(op)[1], start=start)
            self.records += [clear, *stage_records(op, number, m.x, m.y, start)]
        end = self.clock - picoseconds(self.chip.transfer_ns)
        for m in made:
            self.records.append(transfer_record(stage=number, x=m.y, direction=OUT_OF_ARRAYS, start=end))

    def _multiplication(self, op: MultiplyOp, result: SSAValue) -> Multiplication:
        x, y = self.slots.of(op.x), self.slots.of(result)
        signed = element_type(op.x.type) == i8
        return Multiplication(y, x, self.numbers[op.symbol], node_name(op), self._order(op), signed)

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

    def _permute(self, op: PermuteOp, stage: int) -> None:
        table = self._table(op.symbol)
        x, y = self.slots.of(op.x), self.slots.of(op.result)
        start = self.clock if op.start_ps is None else int(op.start_ps.value.data)
        self.records.append(permute_record(stage=stage, x=x, y=y, table=table, start=start))
        self.clock = max(self.clock, start + picoseconds(self.chip.transfer_ns))

    def _shape(self, op: MultiplyOp) -> tuple[int, int]:
        return self.network.weight(op.symbol).matrix_shape

    def _weight(self, symbol: str, op: MultiplyOp) -> Weight:
        rows, columns = self._shape(op)
        return Weight(unescaped(symbol), rows, columns, node_name(op), self.network.weight(symbol).kind)

    def _contents(self) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """What is programmed into the arrays, and the table that tells which tile lies where."""
        tables = [np.zeros((0, 8), np.int64)]
        for symbol, op in self.users.items():
            assert op.places is not None
            tile, place = op.tiles.array, op.places.array
            number = np.full((len(tile), 1), self.numbers[symbol])
            tables.append(np.concatenate([number, place, tile[:, 2:], tile[:, :2]], axis=1))
        tiles = np.concatenate(tables).astype(np.int32)
        arrays = np.zeros((int(tiles[:, 1].max(initial=-1)) + 1, self.chip.rows, self.chip.columns), np.int8)
        matrices = [stored_matrix(self.network.weight(symbol), self.network) for symbol in self.users]
        for row_of_table in tiles:
            weight, array, row, column, rows, columns, k, n = (int(number) for number in row_of_table)
            arrays[array, row : row + rows, column : column + columns] = matrices[weight].tile(k, n, rows, columns)
        return arrays, tiles

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
                found = unsupported(self.network, ops)
                if found is not None:
                    raise UserError(found) from error
            raise


def _timing(chip: ChipAttr) -> Timing:
    costs, resources = chip.digital_costs(), resources_of(chip)
    return Timing(
        settle_ps=resources.times.settle_ps,
        adc_ps=resources.times.adc_ps,
        transfer_ps=picoseconds(chip.transfer_ns),
        add_ps=resources.add_ps,
        digital_units=resources.digital_units,
        attention_units=0 if costs is None else costs.attention_units,
        vector_width=resources.vector_width,
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
    return {"layers": layers, "permutations_before_folding": before, "dense_weights": dense_weights(module)}


def _source(module: ModuleOp) -> Source:
    entry = module.attributes.get(SOURCE)
    return Source(*(unescaped(text.data) for text in entry)) if isa(entry, ArrayAttr[StringAttr]) else Source()
