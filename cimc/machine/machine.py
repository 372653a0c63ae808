"""The machine: executes a program, its digital operations in ONNX Runtime and its multiplications in an engine."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cimc.machine.fast import FastEngine
from cimc.machine.inputs import check_inputs
from cimc.machine.onnx_kernels import OnnxKernels
from cimc.machine.reference import ReferenceEngine
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import TIMING_ONLY, Opcode, Records
from cimc.program.schedule import verify_schedule

Values: TypeAlias = dict[int, NDArray[Any]]


class Engine(Protocol):
    """Something that executes MULTIPLY records; `instructions` are the program's, in the order it wants them."""

    instructions: Records

    def multiply(self, first: int, last: int, x: NDArray[np.int8 | np.uint8], y: NDArray[np.int32]) -> int:
        """Executes records first to last - 1, y [vectors, N] += x [vectors, K] * cells; counts clipped conversions."""
        ...


@dataclass(frozen=True)
class Step:
    """Records first to last - 1: one record, or MULTIPLY records of the same stage and values."""

    op: Opcode
    first: int
    last: int
    frees: tuple[int, ...]
    """Values that no later step uses."""


class Machine:
    """A program that is ready to run, as often as wanted.

    Raises ProgramError if the program's numbers are not valid or ONNX Runtime cannot run its kernels.
    """

    def __init__(self, program: Program, engine: Literal["fast", "reference"] = "fast") -> None:
        program.verify()
        verify_schedule(program)
        self.program = program
        self.engine: Engine = FastEngine(program) if engine == "fast" else ReferenceEngine(program)
        self.kernels = OnnxKernels(program)
        self.steps = _plan(self.engine.instructions, program)
        self.multiplications = {multiplication.y: multiplication for multiplication in program.multiplications}
        self.clipped: dict[int, int] = {}
        """How many conversions clipped in the last run, for every stage with multiplications."""

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The outputs of the program, by name. Raises ProgramError if the inputs do not fit the program."""
        arrays = check_inputs(self.program.inputs, inputs)
        values: Values = {value.slot: arrays[value.name] for value in self.program.inputs}
        self.clipped = {int(self.engine.instructions["stage"][s.first]): 0 for s in self._multiplications()}
        for step in self.steps:
            self._execute(step, values)
            for slot in step.frees:
                values.pop(slot, None)
        return {output.name: values[output.slot] for output in self.program.outputs}

    def _multiplications(self) -> Iterable[Step]:
        return (step for step in self.steps if step.op == Opcode.MULTIPLY)

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
                clipped = self._multiply(step, _matrix(values[x]), _matrix(values[y]), self.multiplications[y].order)
                self.clipped[int(record["stage"])] += clipped
            case Opcode.PERMUTE:
                values[y] = self._permute(values[x], k)
            case Opcode.TRANSFER | Opcode.ADD:
                raise AssertionError("what only tells time is no step")

    def _multiply(self, step: Step, x: NDArray[np.int8 | np.uint8], y: NDArray[np.int32], order: int | None) -> int:
        """MULTIPLY records of one product; column j of the weight goes to the element that table `order` says."""
        if order is None:
            return self.engine.multiply(step.first, step.last, x, y)
        products = np.zeros_like(y)
        clipped = self.engine.multiply(step.first, step.last, x, products)
        y[:, self.program.tables[order]] += products
        return clipped

    def _check_operand(self, x: NDArray[Any], y: int) -> None:
        """`x` is what the multiplication that gives value `y` takes."""
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
    """A contiguous array as [vectors, length], sharing its memory."""
    return vectors.reshape(math.prod(vectors.shape[:-1]), vectors.shape[-1])


def _plan(records: Records, program: Program) -> list[Step]:
    """The steps of a program: MULTIPLY records of one stage and value are one step, what only tells time is none."""
    key = np.stack([records[name].astype(np.int64) for name in ("op", "stage", "x", "y")])
    same = (key[:, 1:] == key[:, :-1]).all(axis=0) & (key[0, 1:] == Opcode.MULTIPLY)
    starts = np.flatnonzero(np.concatenate([[True], ~same]))[: len(records)]
    ends = np.concatenate([starts[1:], [len(records)]])
    does_something = ~np.isin(records["op"][starts], TIMING_ONLY)
    firsts, lasts = starts[does_something].tolist(), ends[does_something].tolist()
    uses = [_slots(records[first : first + 1], program) for first in firsts]
    kept = {output.slot for output in program.outputs}
    frees: list[tuple[int, ...]] = []
    for slots in reversed(uses):
        frees.append(tuple(slots - kept))
        kept |= slots
    ops = [Opcode(op) for op in records["op"][firsts].tolist()]
    return [Step(*step) for step in zip(ops, firsts, lasts, reversed(frees), strict=True)]


def _slots(record: Records, program: Program) -> set[int]:
    """The values that one record reads or writes."""
    op, x, y, k = (int(record[name][0]) for name in ("op", "x", "y", "k"))
    if op != Opcode.KERNEL:
        return {x, y}
    return {*program.kernels[k].inputs, *program.kernels[k].outputs}
