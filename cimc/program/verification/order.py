"""Checks of the order of records: values are written once, before they are read, and where they are known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.control_flow.bodies import WHOLE, Body, body_of_records
from cimc.program.control_flow.controls import Control
from cimc.program.errors import ProgramError
from cimc.program.metadata import Kernel
from cimc.program.records import CONTROL_FLOW, Opcode, Records


@dataclass(frozen=True)
class Flow:
    """The control flow of a program, and its bodies."""

    controls: Sequence[Control]
    bodies: Sequence[Body]

    def reads(self) -> Iterator[tuple[int, int]]:
        """The numbers of records, and the values that control flow reads there; in front of the record."""
        for body in self.bodies:
            control = self.controls[body.control]
            if not body.branch:
                yield from ((body.opens, slot) for slot in control.reads)
            yield from ((body.closes, slot) for slot in control.ends[body.branch])

    def writes(self) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """The numbers of records, the body in which values are written there (`WHOLE` for none), and these values."""
        for number, body in enumerate(self.bodies):
            control = self.controls[body.control]
            yield body.opens, number, control.begins[body.branch]
            if body.branch == len(control.ends) - 1:
                yield body.closes, body.around, control.writes


@dataclass(frozen=True)
class _Written:
    """For every value the number of the record that writes it, -1 for inputs and the number of records for none.

    `body` is the body in which it is known, and `until` the record at which that ends.
    """

    by: NDArray[np.int64]
    body: NDArray[np.int64]
    until: NDArray[np.int64]

    def check(self, number: int, slot: int) -> None:
        """ProgramError unless the value is known in front of the record of that number."""
        if self.by[slot] >= number:
            raise ProgramError(f"record {number} uses value {slot} before it is written")
        if self.until[slot] < number:
            raise ProgramError(f"record {number} uses value {slot} outside of the body that writes it")


def verify_order(
    records: Records,
    kernels: Sequence[Kernel],
    flow: Flow,
    inputs: Sequence[int],
    outputs: Sequence[int],
    slots: int,
) -> None:
    """Every value is written once, before it is read (I1), and where it is known (I20).

    MULTIPLY and ADD work on what a CLEAR of the same body has written (I2).
    """
    op, x, y = records["op"], records["x"], records["y"]
    runs = [(number, kernels[int(records["k"][number])]) for number in np.flatnonzero(op == Opcode.KERNEL).tolist()]
    inside = body_of_records(records, flow.bodies)
    written = _writers(records, runs, flow, inside, inputs, slots)
    readers = np.flatnonzero(~np.isin(op, (Opcode.KERNEL, Opcode.LOAD, *CONTROL_FLOW)))
    wrong = (written.by[x[readers]] >= readers) | (written.until[x[readers]] < readers)
    for number in readers[wrong][:1].tolist():
        written.check(number, int(x[number]))
    adders = np.flatnonzero((op == Opcode.MULTIPLY) | (op == Opcode.ADD))
    clears = np.concatenate([op == Opcode.CLEAR, [False]])  # the last one stands for values never written
    for number in adders[(written.by[y[adders]] >= adders) | ~clears[written.by[y[adders]]]][:1].tolist():
        raise ProgramError(f"record {number} adds to value {y[number]}, which no CLEAR has written")
    for number in adders[written.body[y[adders]] != inside[adders]][:1].tolist():
        raise ProgramError(f"record {number} adds to value {y[number]}, which is cleared outside of its body")
    for number, kernel in runs:
        for slot in kernel.inputs:
            written.check(number, slot)
    for number, slot in flow.reads():
        written.check(number, slot)
    for slot in outputs:
        if written.by[slot] >= len(records) or written.body[slot] != WHOLE:
            raise ProgramError(f"the output in value {slot} is never written")


def _writers(
    records: Records,
    runs: Sequence[tuple[int, Kernel]],
    flow: Flow,
    inside: NDArray[np.int64],
    inputs: Sequence[int],
    slots: int,
) -> _Written:
    written = _Written(np.full(slots, len(records), np.int64), *np.full((2, slots), WHOLE, np.int64))
    times = np.zeros(slots, np.int64)
    clearing = np.flatnonzero((records["op"] == Opcode.CLEAR) | (records["op"] == Opcode.PERMUTE))
    writes = [(records["y"][clearing], clearing, inside[clearing]), (list(inputs), -1, WHOLE)]
    writes += [(list(kernel.outputs), number, inside[number]) for number, kernel in runs]
    writes += [(list(values), number, body) for number, body, values in flow.writes()]
    for values, number, body in writes:
        written.by[values] = number
        written.body[values] = body
        np.add.at(times, values, 1)
    for slot in np.flatnonzero(times > 1)[:1].tolist():
        raise ProgramError(f"value {slot} is written {times[slot]} times, expected once")
    ends = np.array([*(body.closes for body in flow.bodies), len(records)], np.int64)  # the last one for `WHOLE`
    written.until[:] = ends[written.body]
    return written
