"""The legality of moves of single arrays in a pipeline: vectors move in when they are there, sums out when they are."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cimc.program.errors import ProgramError
from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode
from cimc.program.times.pipeline import Pipeline
from cimc.program.times.timing import Numbers
from cimc.program.times.transfers import move_ps


class Spans(NamedTuple):
    """Of each record of a program when its array moves something for it by itself [ps], -1 where it does not."""

    start: Numbers
    end: Numbers


@dataclass(frozen=True, eq=False)
class OwnMoves:
    """What arrays move by themselves, by MULTIPLY record: the vector that it drives rows with, and what it sums up."""

    into: Spans
    out: Spans
    record: Numbers
    """The TRANSFER of each move"""
    link: Numbers
    start: Numbers
    end: Numbers


def no_own_moves(program: Program) -> OwnMoves:
    """Of a program whose arrays move nothing by themselves."""
    none = np.full(len(program.instructions), -1, np.int64)
    empty = np.zeros(0, np.int64)
    return OwnMoves(Spans(none, none), Spans(none, none), empty, empty, empty, empty)


def own_moves_of(program: Program, timing: Timing, pipeline: Pipeline) -> OwnMoves:
    """The moves of a pipeline (S20). ProgramError unless each is for something that its array does in that stage."""
    record, array, link, start = pipeline.moves.T
    end = start + move_ps(program, timing)[record]
    transfers = program.instructions[record]
    stage, x = transfers["stage"].astype(np.int64), transfers["x"].astype(np.int64)
    goes_in = transfers["flags"] == INTO_ARRAYS
    for number in _repeated(record, array)[:1].tolist():
        raise ProgramError(f"move {number} moves what record {record[number]} does for array {array[number]} once more")
    numbers = np.flatnonzero(program.instructions["op"] == Opcode.MULTIPLY)
    records = program.instructions[numbers]
    parts: list[Spans] = []
    used = np.zeros(len(record), np.bool_)
    for own, value in ((goes_in, "x"), (~goes_in, "y")):
        chosen = np.flatnonzero(own)
        keys = np.stack([stage[chosen], x[chosen], array[chosen]], axis=1)
        asked = np.stack([records["stage"], records[value], records["array"]], axis=1).astype(np.int64)
        move = np.full(len(program.instructions), -1, np.int64)
        move[numbers] = _matching(asked, keys, chosen)
        used[move[move >= 0]] = True
        parts.append(Spans(*(np.where(move >= 0, times[move], -1) if len(times) else move for times in (start, end))))
    for number in np.flatnonzero(~used)[:1].tolist():
        raise ProgramError(
            f"move {number} moves value {x[number]} for array {array[number]}, which does nothing with it in stage "
            f"{stage[number]}"
        )
    return OwnMoves(parts[0], parts[1], record, link, start, end)


def _repeated(record: Numbers, array: Numbers) -> Numbers:
    """The moves that are there twice, the later of both."""
    order = np.lexsort([array, record])
    same = (np.diff(record[order], prepend=-1) == 0) & (np.diff(array[order], prepend=-1) == 0)
    return np.sort(order[same])


def _matching(asked: Numbers, keys: Numbers, numbers: Numbers) -> Numbers:
    """For each row that is asked for the number of the key that equals it, -1 if none does; keys are different."""
    _, which = np.unique(np.concatenate([keys, asked]), axis=0, return_inverse=True)
    which = which.reshape(-1)
    place = np.full(int(which.max(initial=0)) + 1, -1, np.int64)
    place[which[: len(keys)]] = numbers
    return place[which[len(keys) :]]


def verify_leaving(own: OwnMoves, ends: Numbers) -> None:
    """Raises ProgramError unless sums move out of an array when its conversions for them are done (S20).

    `ends` tells when records are done.
    """
    for number in np.flatnonzero((own.out.start >= 0) & (own.out.start < ends))[:1].tolist():
        raise ProgramError(
            f"what record {number} sums up moves out of its array at {own.out.start[number]} ps, converted at "
            f"{ends[number]} ps"
        )
