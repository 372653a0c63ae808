"""The steps of kernels' nodes, and which steps give the values that steps read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from cimc.clock.lists import Lists, Numbers
from cimc.clock.operator_needs import kernel_needs
from cimc.program.program import Program
from cimc.program.records import CONTROL_FLOW, INTO_ARRAYS, Opcode


@dataclass(eq=False)
class OperatorSteps:
    """Follows the values of a program, from record to record, and makes a step of each node of its kernels."""

    program: Program
    of_record: Numbers
    record_ends: Numbers
    first: int
    """number of the first such step"""
    starts_: list[int] = field(default_factory=list[int])
    ends_: list[int] = field(default_factory=list[int])
    records_: list[int] = field(default_factory=list[int])
    users: list[int] = field(default_factory=list[int])
    needed: list[int] = field(default_factory=list[int])
    ready: dict[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])
    """The steps that give each value; none for what is there when all begins, or goes on after a barrier."""
    begins: dict[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """The first step of each kernel, and how many it has."""
    barrier: int = 0
    """When the last barrier was [ps]."""

    def __post_init__(self) -> None:
        rows = self.program.operations
        self.times = {(k, node): (start, length) for k, node, _, start, length in rows.tolist()}
        self.single_ends: dict[int, int] = {}

    def follow(self) -> None:
        records = self.program.instructions
        for number in np.flatnonzero(~np.isin(records["op"], (Opcode.MULTIPLY, Opcode.ADD, Opcode.CLEAR))).tolist():
            record = records[number]
            op, step = Opcode(int(record["op"])), int(self.of_record[number])
            if op is Opcode.KERNEL:
                self._kernel(number, int(record["k"]))
                continue
            self.single_ends[step] = int(self.record_ends[number])
            if op in CONTROL_FLOW or op is Opcode.LOAD:
                self.ready.clear()
                self.barrier = int(self.record_ends[number])
            elif op is Opcode.PERMUTE or int(record["flags"]) == INTO_ARRAYS:
                self._need(step, self.ready.get(int(record["x"]), ()))
            if op is Opcode.PERMUTE:
                self.ready[int(record["y"])] = (step,)
            elif op is Opcode.TRANSFER and int(record["flags"]) != INTO_ARRAYS:
                self.ready[int(record["x"])] = (step,)

    def _kernel(self, number: int, k: int) -> None:
        kernel, base = self.program.kernels[k], self.first + len(self.starts_)
        needs = kernel_needs(kernel.model, kernel.inputs, kernel.outputs)
        self.begins[k] = base, len(needs.nodes)
        for node, (nodes, slots) in enumerate(needs.nodes):
            operands = self._givers(base, nodes, slots)
            self._need(base + node, operands)
            ready = max((self._end(step) for step in operands), default=self.barrier)
            start, duration = self.times.get((k, node), (ready, 0))
            self.starts_.append(start)
            self.ends_.append(start + duration)
            self.records_.append(number)
        given = {slot: self._givers(base, *needs.outputs[slot]) for slot in kernel.outputs}
        self.ready.update(given)

    def _givers(self, base: int, nodes: Sequence[int], slots: Iterable[int]) -> tuple[int, ...]:
        steps = {base + node for node in nodes}
        return tuple(steps.union(*(self.ready.get(slot, ()) for slot in slots)))

    def _need(self, step: int, operands: Sequence[int]) -> None:
        self.users += [step] * len(operands)
        self.needed += operands

    def _end(self, step: int) -> int:
        return self.ends_[step - self.first] if step >= self.first else self.single_ends[step]

    @property
    def starts(self) -> Numbers:
        return np.array(self.starts_, np.int64)

    @property
    def ends(self) -> Numbers:
        return np.array(self.ends_, np.int64)

    @property
    def records(self) -> Numbers:
        return np.array(self.records_, np.int64)

    def pairs(self) -> tuple[Numbers, Numbers]:
        return np.array(self.users, np.int64), np.array(self.needed, np.int64)

    @property
    def of_rows(self) -> Numbers:
        """The step of each row of the table of operators."""
        first = np.zeros(len(self.program.kernels), np.int64)
        for kernel, (step, _) in self.begins.items():
            first[kernel] = step
        rows = self.program.operations
        return first[rows[:, 0]] + rows[:, 1]

    def of_kernels(self) -> Lists:
        """The steps of each kernel."""
        counts = [self.begins.get(k, (0, 0)) for k in range(len(self.program.kernels))]
        steps = [np.arange(first, first + count) for first, count in counts]
        limits = np.cumsum([0, *(count for _, count in counts)])
        return Lists(limits, np.concatenate([np.zeros(0, np.int64), *steps]))
