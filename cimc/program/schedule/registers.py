"""Legality of arrays' registers: an array serves no more stages at a time than it has sets of registers."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode
from cimc.program.schedule.moves import OwnMoves, no_own_moves
from cimc.program.times.timing import Numbers


class Services(NamedTuple):
    """Stages that arrays serve: a set of registers of `array` is `stage`'s from `start` to `end` [ps].

    `of_record` tells the service that each MULTIPLY record is in, in the order of the program.
    """

    array: Numbers
    stage: Numbers
    start: Numbers
    end: Numbers
    of_record: Numbers


def verify_registers(program: Program, buffers: int, ends: Numbers, own: OwnMoves | None = None) -> None:
    """Raises ProgramError if an array serves more stages at a time than its `buffers` sets of registers (S15).

    `ends` tells when records are done, `own` what arrays move by themselves. Rows must be driven with what has been
    moved into the arrays (S10).
    """
    services = services_of(program, ends, own)
    for i in _crowded(services, buffers):
        now = int(services.start[i])
        served = (services.array == services.array[i]) & (services.start <= now) & (now < services.end)
        stages = ", ".join(map(str, services.stage[served].tolist()))
        raise ProgramError(f"array {services.array[i]} serves stages {stages} at {now} ps, it has {sets_text(buffers)}")


def sets_text(buffers: int) -> str:
    """How many sets of registers an array has."""
    return f"{buffers} set{'s' if buffers > 1 else ''} of registers"


def services_of(program: Program, ends: Numbers, own: OwnMoves | None = None) -> Services:
    """Which array serves which stage and when.

    From when the first vector that it uses there starts to move in, to when the last product that it converts there
    has moved out; a product that stays is done with the last of its sums. What an array moves by itself (`own`) counts
    when that happens.
    """
    records = program.instructions
    numbers = np.flatnonzero(records["op"] == Opcode.MULTIPLY)
    array, stage, x, y = (records[name][numbers].astype(np.int64) for name in ("array", "stage", "x", "y"))
    transfers = np.flatnonzero(records["op"] == Opcode.TRANSFER)
    goes_in = records["flags"][transfers] == INTO_ARRAYS
    into, out = transfers[goes_in], transfers[~goes_in]
    arrives = _by_pair(records["stage"][into], records["x"][into], program.slots)
    order = np.argsort(arrives, kind="stable")
    place = np.searchsorted(arrives[order], _by_pair(stage, x, program.slots))
    first = records["start"][into[order]].astype(np.int64)[place]
    last = np.zeros(program.slots, np.int64)
    works = np.flatnonzero(np.isin(records["op"], (Opcode.MULTIPLY, Opcode.ADD)))
    np.maximum.at(last, records["y"][works], ends[works])
    last[records["x"][out]] = ends[out]
    own = own or no_own_moves(program)
    begins, left = own.into.start[numbers], own.out.end[numbers]
    return _joined(array, stage, np.where(begins >= 0, begins, first), np.where(left >= 0, left, last[y]))


def _by_pair(stage: NDArray[np.integer], x: NDArray[np.integer], slots: int) -> Numbers:
    """One number for a vector in a stage."""
    return stage.astype(np.int64) * slots + x


def _joined(array: Numbers, stage: Numbers, first: Numbers, last: Numbers) -> Services:
    """Services from those of single row groups."""
    order = np.lexsort([stage, array])
    changes = (np.diff(array[order], prepend=-1) != 0) | (np.diff(stage[order], prepend=-1) != 0)
    begins, of_record = np.flatnonzero(changes), np.zeros(len(array), np.int64)
    of_record[order] = np.cumsum(changes) - 1
    starts, ends = np.full((2, len(begins)), np.iinfo(np.int64).max)
    ends[:] = 0
    np.minimum.at(starts, of_record, first)
    np.maximum.at(ends, of_record, last)
    return Services(array[order][begins], stage[order][begins], starts, ends, of_record)


def _crowded(services: Services, buffers: int) -> list[int]:
    """The first service that begins while its array serves `buffers` others, if there is one."""
    change = np.repeat([1, -1], len(services.array))
    order = np.lexsort([change, np.concatenate([services.start, services.end]), np.tile(services.array, 2)])
    served = np.cumsum(change[order])  # what ends makes room for what begins then; in between arrays serve none
    return order[served > buffers][:1].tolist()
