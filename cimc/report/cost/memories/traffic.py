"""How much memory a program needs between its steps, and how many bytes move in and out of it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.control_flow.bodies import WHOLE, bodies_of
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.cost.kernel_runs import Run
from cimc.report.cost.memories.key_values import KeyValues

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Traffic:
    """Bytes of what figures are for, a token or an inference; those held are of a whole run."""

    held: int
    """Of the values that are there at once, the most at any time; keys and values do not count."""
    moved: float
    """Read and written by kernels, arrays and permutations, of values that are no keys and values."""
    keys_and_values: float
    """Read and written."""


def traffic_of(program: Program, run: Run, cached: KeyValues, tokens: int) -> Traffic:
    """The traffic of a run of so many of what figures are for."""
    counts = run.bytes
    kernels = sum(n for part in (counts.read, counts.written) for slot, n in part.items() if slot not in cached.slots)
    return Traffic(
        held=held_bytes(program, run, cached.slots),
        moved=(kernels + _into_arrays(program, run)) / tokens,
        keys_and_values=cached.moved(run) / tokens,
    )


def held_bytes(program: Program, run: Run, apart: Iterable[int] = ()) -> int:
    """The most bytes of values at once, in the order of the records: each from when it is made until it is read last.

    Values that control flow or its bodies use are taken to live for all of it; those in slots `apart` do not count.
    """
    first, last = _lives(program)
    sizes = np.zeros(len(first), np.int64)
    for slot, size in run.bytes.held.items():
        sizes[slot] = size
    sizes[list(apart)] = 0
    used = last >= first
    change = np.zeros(len(program.instructions) + 3, np.int64)
    np.add.at(change, first[used], sizes[used])
    np.add.at(change, last[used] + 1, -sizes[used])
    return int(np.cumsum(change).max(initial=0))


def _lives(program: Program) -> tuple[Numbers, Numbers]:
    """By slot, the first and the last record that uses it, from 1 on; 0 is the start, one more than all is the end."""
    records, never = program.instructions, np.iinfo(np.int64).max
    first, last = np.full(program.slots, never), np.full(program.slots, -1)

    def use(slots: Iterable[int] | Numbers, at: int | Numbers) -> None:
        chosen = np.asarray(slots if isinstance(slots, np.ndarray) else list(slots), np.int64)
        np.minimum.at(first, chosen, at)
        np.maximum.at(last, chosen, at)

    use((value.slot for value in program.inputs), 0)
    use((value.slot for value in program.outputs), len(records) + 1)
    for name in ("x", "y"):
        chosen = np.flatnonzero(np.isin(records["op"], (Opcode.CLEAR, Opcode.MULTIPLY, Opcode.PERMUTE)))
        use(records[name][chosen].astype(np.int64), chosen + 1)
    for number in np.flatnonzero(records["op"] == Opcode.KERNEL).tolist():
        kernel = program.kernels[int(records["k"][number])]
        use((*kernel.inputs, *kernel.outputs), number + 1)
    for body in bodies_of(records, program.controls):
        control = program.controls[body.control]
        use((*control.reads, *(slot for slots in control.begins for slot in slots)), body.opens + 1)
        use((*control.writes, *(slot for slots in control.ends for slot in slots)), body.closes + 1)
    for body in bodies_of(records, program.controls):
        if body.around == WHOLE:
            _widen(first, last, body.opens + 1, body.closes + 1)
    return first, last


def _widen(first: Numbers, last: Numbers, opens: int, closes: int) -> None:
    """Let what is used in a body live for all of it."""
    inside = (first <= closes) & (last >= opens)
    first[inside] = np.minimum(first[inside], opens)
    last[inside] = np.maximum(last[inside], closes)


def _into_arrays(program: Program, run: Run) -> int:
    """What arrays read: each value once a stage, as often as the multiplication does that takes most of it."""
    records = program.instructions
    chosen = records[records["op"] == Opcode.MULTIPLY]
    most: dict[tuple[int, int], int] = {}
    for stage, x, y in np.unique(
        np.stack([chosen[n].astype(np.int64) for n in ("stage", "x", "y")]), axis=1
    ).T.tolist():
        most[stage, x] = max(most.get((stage, x), 0), run.bytes.multiplied[y])
    return sum(most.values())
