"""The machine: executes a program, its digital operations in ONNX Runtime and its multiplications in an engine."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnxruntime import RunOptions

from cimc.machine.control import ControlFlow, Stopped
from cimc.machine.engine import Engine
from cimc.machine.fast.engine import FastEngine
from cimc.machine.inputs import check_inputs
from cimc.machine.onnx_kernels import OnnxKernels
from cimc.machine.plan import arranged, effective, ends_of, steps_of
from cimc.machine.products import Products, Run, Values, clipped, conversions
from cimc.machine.reference import ReferenceEngine
from cimc.machine.spot_check import SpotCheckedEngine
from cimc.machine.stoppable import stoppable
from cimc.program.control_flow.controls import Loop
from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line
from cimc.program.program import Program
from cimc.program.records import ADC_BITS, Opcode
from cimc.program.schedule.checker import verify_schedule

EngineName: TypeAlias = Literal["fast", "reference"]


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
        numbers = numbers[arranged(program.instructions[numbers])]
        records = program.instructions[numbers]
        if ideal:
            records["adc_bits"], records["adc_shift"] = ADC_BITS[-1], 0
        self.steps = steps_of(records, program)
        self._ends = ends_of(self.steps)
        self.flow = ControlFlow({multiplication.y for multiplication in program.multiplications})
        self._kinds = [(step, step.op is Opcode.KERNEL, step.op is Opcode.MULTIPLY) for step in self.steps]
        """Each step with what it is: to ask for an opcode's name takes as long as much else of a step."""
        self.engine: Engine = (
            FastEngine(program, records, keep=keep, threads=threads)
            if engine == "fast"
            else ReferenceEngine(program, records)
        )
        if spot_check:
            self.engine = SpotCheckedEngine(self.engine, ReferenceEngine(program, records), numbers, spot_check, seed)
        self.products = Products(program, self.engine, self.steps)
        self.kernels = OnnxKernels(program)
        self.largest = [int(table.max(initial=-1)) for table in program.tables]
        """The largest element that each table reads."""
        self.whole = 0.0
        """How long the last run took [s]."""
        self.native: list[float] = []
        """How long each of its steps was in code that is not Python's: compiled loops, ONNX Runtime, permutations.

        Of a step that runs once an iteration, all of them."""
        self.conversions: dict[int, int] = {}
        """How many conversions the last run made, for every stage with multiplications."""
        self.clipped: dict[int, int] = {}
        """How many of them clipped."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The outputs of the program, by name; Ctrl-C and `time_limit` end a run.

        Nothing is copied: inputs are read where they are, and the arrays that are returned are the caller's.
        Raises ProgramError if the inputs do not fit the program, and TooLong.
        """
        start = time.perf_counter()
        arrays = check_inputs(self.program.inputs, inputs, self.program.source.initializers)
        outputs = stoppable(lambda options: self._run(arrays, options))
        self.whole = time.perf_counter() - start
        return outputs

    def _run(self, arrays: Mapping[str, NDArray[Any]], options: RunOptions) -> dict[str, NDArray[Any]]:
        values: Values = {value.slot: arrays[value.name] for value in self.program.inputs}
        run = Run(values, self.products.room(), [0.0] * len(self.steps))
        self._execute(0, len(self.steps), run, options)
        self.products.rooms.append(run.room)
        self.native = run.times
        self.conversions, self.clipped = conversions(run.counts), clipped(run.counts)
        return {output.name: values[output.slot] for output in self.program.outputs}

    def _execute(self, first: int, last: int, run: Run, options: RunOptions) -> None:
        """Run the steps from number `first` to before `last`."""
        values, times, number = run.values, run.times, first
        kernels, multiply, clock, forget = self.kernels, self.products.execute, time.perf_counter, values.pop
        while number < last:
            step, is_kernel, is_product = self._kinds[number]
            if options.terminate:
                raise Stopped
            run.native = 0
            if is_kernel:
                feeds = kernels.feeds(step.k, values)
                start = clock()
                outputs = kernels.run(step.k, feeds, options)
                run.native = clock() - start
                values.update(zip(self.program.kernels[step.k].outputs, outputs))
            elif is_product:
                multiply(step, run)
            elif step.op is Opcode.PERMUTE:
                values[step.y] = self._permute(values[step.x], step.k, run)  # I16
            else:
                self._control(number, run, options)
                number = self._ends[number][1]
                step, run.native = self.steps[number], 0
            for slot in step.frees:
                forget(slot, None)
            times[number] += run.native
            number += 1

    def _control(self, number: int, run: Run, options: RunOptions) -> None:
        """Run the bodies of the control flow that step `number` begins."""
        (else_, end), control = self._ends[number], self.program.controls[self.steps[number].k]

        def body(first: int, last: int) -> None:
            if options.terminate:
                raise Stopped
            self._execute(first, last, run, options)

        if isinstance(control, Loop):
            self.flow.loop(control, run.values, partial(body, number + 1, end))
        else:
            bodies = partial(body, number + 1, else_), partial(body, else_ + 1, end)
            self.flow.branch(control, run.values, bodies)

    def nodes_by_stage(self) -> dict[int, str]:
        """The ONNX nodes whose multiplications run in each stage, in one line."""
        nodes: dict[int, list[str]] = {}
        for step in self.steps:
            for product in step.products:
                nodes.setdefault(step.stage, []).append(product.multiplication.node)
        return {stage: one_line(", ".join(dict.fromkeys(names))) for stage, names in nodes.items()}

    def _permute(self, x: NDArray[Any], number: int, run: Run) -> NDArray[Any]:
        table = self.program.tables[number]
        length = x.shape[-1] if x.ndim else 0
        if self.largest[number] >= length:
            raise ProgramError(f"table {number} reads element {self.largest[number]} of a vector of {length}")
        start = time.perf_counter()
        result = np.take(x, table, axis=-1)
        run.native = time.perf_counter() - start
        return result
