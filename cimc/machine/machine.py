"""The machine: executes a program, its digital operations in ONNX Runtime and its multiplications in an engine."""

import math
import time
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnxruntime import RunOptions

from cimc.machine.engine import Engine, Inputs
from cimc.machine.fast.encoding import cell_fields, input_fields
from cimc.machine.fast.engine import FastEngine
from cimc.machine.inputs import check_inputs
from cimc.machine.onnx_kernels import OnnxKernels
from cimc.machine.plan import Step, arranged, effective, steps_of
from cimc.machine.reference import ReferenceEngine
from cimc.machine.spot_check import SpotCheckedEngine
from cimc.machine.stoppable import stoppable
from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.program.records import ADC_BITS, Opcode
from cimc.program.schedule.checker import verify_schedule

Values: TypeAlias = dict[int, NDArray[Any]]
EngineName: TypeAlias = Literal["fast", "reference"]


class Stopped(Exception):
    """A run that nobody waits for any more."""


class Machine:
    """A program that is ready to run, as often as wanted.

    `keep` tells the fast engine to keep cells as it needs them; without, it makes that form whenever it needs it and
    takes little memory. `threads` are those of the fast engine, by default the cores that there are. With
    `ideal`, ADCs neither clip nor round. With `spot_check`, that percentage of the MULTIPLY records is executed in the
    reference engine as well, chosen by `seed`; see `SpotCheckedEngine`.

    Raises ProgramError if the program's numbers are not valid or ONNX Runtime cannot run its kernels.
    """

    def __init__(
        self,
        program: Program,
        engine: EngineName = "fast",
        *,
        keep: bool = True,
        threads: int | None = None,
        ideal: bool = False,
        spot_check: float = 0,
        seed: int = 0,
    ) -> None:
        program.verify()
        verify_schedule(program)
        self.program = program
        numbers = effective(program.instructions)
        if engine == "fast":
            numbers = numbers[arranged(program.instructions[numbers])]
        records = program.instructions[numbers]
        if ideal:
            records["adc_bits"], records["adc_shift"] = ADC_BITS[-1], 0
        self.engine: Engine = (
            FastEngine(program, records, keep=keep, threads=threads)
            if engine == "fast"
            else ReferenceEngine(program, records)
        )
        if spot_check:
            self.engine = SpotCheckedEngine(self.engine, ReferenceEngine(program, records), numbers, spot_check, seed)
        self.kernels = OnnxKernels(program)
        self.steps = steps_of(records, program)
        self.multiplications = {multiplication.y: multiplication for multiplication in program.multiplications}
        self.seconds: list[float] = []
        """How long each step of the last run took."""
        self.conversions: dict[int, int] = {}
        """How many conversions the last run made, for every stage with multiplications."""
        self.clipped: dict[int, int] = {}
        """How many of them clipped."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The outputs of the program, by name; Ctrl-C and `time_limit` end a run.

        Raises ProgramError if the inputs do not fit the program, and TooLong.
        """
        arrays = check_inputs(self.program.inputs, inputs)
        return stoppable(lambda options: self._run(arrays, options))

    def _run(self, arrays: Mapping[str, NDArray[Any]], options: RunOptions) -> dict[str, NDArray[Any]]:
        values: Values = {value.slot: arrays[value.name] for value in self.program.inputs}
        self.seconds, self.conversions, self.clipped = [], {}, {}
        for step in self.steps:
            if options.terminate:
                raise Stopped
            start = time.perf_counter()
            self._execute(step, values)
            for slot in step.frees:
                values.pop(slot, None)
            self.seconds.append(time.perf_counter() - start)
        return {output.name: values[output.slot] for output in self.program.outputs}

    def nodes_by_stage(self) -> dict[int, str]:
        """The ONNX nodes whose multiplications run in each stage, in one line."""
        nodes: dict[int, list[str]] = {}
        for step in self.steps:
            if step.op in (Opcode.CLEAR, Opcode.MULTIPLY):  # products of zeros have no MULTIPLY
                record = self.engine.instructions[step.first]
                nodes.setdefault(int(record["stage"]), []).append(self.multiplications[int(record["y"])].node)
        return {stage: one_line(", ".join(dict.fromkeys(names))) for stage, names in nodes.items()}

    def _execute(self, step: Step, values: Values) -> None:
        record = self.engine.instructions[step.first]
        x, y, k = int(record["x"]), int(record["y"]), int(record["k"])
        match step.op:
            case Opcode.KERNEL:
                kernel = self.program.kernels[k]
                outputs = self.kernels.run(k, [values[slot] for slot in kernel.inputs])
                values.update(zip(kernel.outputs, outputs, strict=True))
            case Opcode.CLEAR:
                self._check_operand(values[x], y)
                values[y] = np.zeros((*values[x].shape[:-1], int(record["n"])), np.int32)
            case Opcode.MULTIPLY:
                self._multiply(step, _matrix(values[x]), _matrix(values[y]))
            case Opcode.PERMUTE:
                values[y] = self._permute(values[x], k)  # I16
            case Opcode.TRANSFER | Opcode.ADD:
                raise AssertionError("what only tells time is no step")

    def _multiply(self, step: Step, x: Inputs, y: NDArray[np.int32]) -> None:
        """MULTIPLY records of one product; column j of the weight goes to the element that table `order` says (I13)."""
        records = self.engine.instructions[step.first : step.last]
        stage, order = int(records["stage"][0]), self.multiplications[int(records["y"][0])].order
        if order is None:
            clipped = self.engine.multiply(step.first, step.last, x, y)
        else:
            products = np.zeros_like(y)
            clipped = self.engine.multiply(step.first, step.last, x, products)
            y[:, self.program.tables[order]] += products
        chip = self.program.chip
        planes = len(input_fields(chip.dac_bits, signed=x.dtype == np.int8).firsts)
        slices = len(cell_fields(chip.encoding, chip.cell_bits).firsts)
        made = len(x) * planes * slices * int(records["columns"].sum(dtype=np.int64))
        self.conversions[stage] = self.conversions.get(stage, 0) + made
        self.clipped[stage] = self.clipped.get(stage, 0) + clipped

    def _check_operand(self, x: NDArray[Any], y: int) -> None:
        """`x` is what the multiplication that gives value `y` takes (I11)."""
        multiplication = self.multiplications[y]
        rows = self.program.weights[multiplication.weight].rows
        if x.dtype.name not in ("int8", "uint8") or x.ndim < 1 or x.shape[-1] != rows:
            raise ProgramError(
                f"multiplication {multiplication.node} takes vectors of {rows} int8 or uint8, "
                f"found {x.dtype} {list(x.shape)}"
            )

    def _permute(self, x: NDArray[Any], number: int) -> NDArray[Any]:
        table = self.program.tables[number]
        length = x.shape[-1] if x.ndim else 0
        if table.size and table.max() >= length:
            raise ProgramError(f"table {number} reads element {table.max()} of a vector of {length}")
        return np.take(x, table, axis=-1)


def _matrix(vectors: NDArray[Any]) -> NDArray[Any]:
    """A contiguous array as [vectors, length], sharing its memory (I5)."""
    return vectors.reshape(math.prod(vectors.shape[:-1]), vectors.shape[-1])
