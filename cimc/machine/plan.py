"""The plan of a run: which records are executed together, and which values are forgotten afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimc.program.program import Program
from cimc.program.records import TIMING_ONLY, Opcode, Records


@dataclass(frozen=True)
class Step:
    """Records first to last - 1: one record, or MULTIPLY records of the same stage and values."""

    op: Opcode
    first: int
    last: int
    frees: tuple[int, ...]
    """Values that no later step uses (I3)."""


def effective(records: Records) -> NDArray[np.intp]:
    """The numbers of the records that do something, in order; the others only tell time (I8)."""
    return np.flatnonzero(~np.isin(records["op"], TIMING_ONLY))


def arranged(records: Records) -> NDArray[np.intp]:
    """An order of records in which multiplications of the same values are together, in each run of MULTIPLY records.

    They may change places (I14): addition modulo 2**32 commutes, and a value that is being summed up is not yet read.
    """
    multiplies = records["op"] == Opcode.MULTIPLY
    runs = np.cumsum(np.diff(multiplies, prepend=False) | ~multiplies)
    return np.lexsort((records["y"], records["stage"], runs))


def steps_of(records: Records, program: Program) -> list[Step]:
    """The steps of effective records: MULTIPLY records of one stage and value that follow each other are one."""
    key = np.stack([records[name].astype(np.int64) for name in ("op", "stage", "x", "y")])
    same = (key[:, 1:] == key[:, :-1]).all(axis=0) & (key[0, 1:] == Opcode.MULTIPLY)
    firsts = np.flatnonzero(np.concatenate([[True], ~same]))[: len(records)].tolist()
    lasts = [*firsts, len(records)][1:]
    ops = [Opcode(op) for op in records["op"][firsts].tolist()]
    uses = [_slots(records[first : first + 1], program) for first in firsts]
    return [Step(*step) for step in zip(ops, firsts, lasts, _frees(uses, program), strict=True)]


def _frees(uses: list[set[int]], program: Program) -> Iterator[tuple[int, ...]]:
    """For each step the values that it is the last to use."""
    kept = {output.slot for output in program.outputs}
    frees: list[tuple[int, ...]] = []
    for slots in reversed(uses):
        frees.append(tuple(slots - kept))
        kept |= slots
    return reversed(frees)


def _slots(record: Records, program: Program) -> set[int]:
    """The values that one record reads or writes."""
    op, x, y, k = (int(record[name][0]) for name in ("op", "x", "y", "k"))
    if op != Opcode.KERNEL:
        return {x, y}
    return {*program.kernels[k].inputs, *program.kernels[k].outputs}
