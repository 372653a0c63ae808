"""The legality of a pipeline: tokens that follow each other keep out of each other's way in arrays, units and links."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cimc.program.arrays.copies import copies_of_values
from cimc.program.errors import ProgramError
from cimc.program.metadata import Stage, Timing
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.modulo import Uses, first_excess
from cimc.program.schedule.moves import OwnMoves, no_own_moves
from cimc.program.schedule.registers import services_of, sets_text
from cimc.program.times.pipeline import Pipeline
from cimc.program.times.timing import Activations, Numbers
from cimc.program.times.transfers import moves_of

MAXIMAL_INTERVAL_PS = 1 << 52
"""More than an hour. With as many copies as there may be, no sum of such times overflows 64 bits."""


def one_token(program: Program, pipeline: Pipeline, end_ps: int) -> Program:
    """The program with the starts and units of its pipeline, for one token; stages last from its start to `end_ps`.

    Raises ProgramError for an interval that is too long.
    """
    if pipeline.interval_ps > MAXIMAL_INTERVAL_PS:
        raise ProgramError(f"interval_ps is {pipeline.interval_ps}, expected at most {MAXIMAL_INTERVAL_PS}")
    records = program.instructions.copy()
    records["start"] = pipeline.starts
    stages = [Stage(stage.number, 0, end_ps) for stage in program.stages]
    return replace(program, instructions=records, operations=pipeline.operations, stages=stages, pipeline=None)


def verify_turns(
    program: Program,
    timing: Timing,
    interval_ps: int,
    activations: Activations,
    ends: Numbers,
    moves: OwnMoves | None = None,
) -> None:
    """Raises ProgramError unless arrays, units, links and registers are enough for tokens that follow each other (S17).

    `program` is that of one token, and keeps the rules for one; `ends` tells when its records are done, `moves` what
    arrays move by themselves.
    """
    own = moves or no_own_moves(program)
    firsts = activations.records[np.unique(activations.of_record, return_index=True)[1]]
    arrays = Uses(activations.array, activations.start, activations.duration, *_copies(program, firsts))
    _verify_one_at_a_time("array", arrays, interval_ps, firsts)
    adds = np.flatnonzero(program.instructions["op"] == Opcode.ADD)
    _verify_one_at_a_time("unit", _units(program, adds, timing.add_ps), interval_ps, adds)
    if timing.links is not None:
        alone = np.flatnonzero(moves_of(program))
        link, start = (program.instructions[name][alone].astype(np.int64) for name in ("array", "start"))
        link, start = np.concatenate([link, own.link]), np.concatenate([start, own.start])
        end = np.concatenate([ends[alone], own.end])
        uses = Uses.of_all(link, start, end - start)
        _verify_one_at_a_time("link", uses, interval_ps, np.concatenate([alone, own.record]))
    _verify_registers(program, timing.buffers, interval_ps, ends, own)


def _copies(program: Program, numbers: NDArray[np.intp]) -> tuple[Numbers, Numbers]:
    """How many copies there are of the weights of MULTIPLY or ADD records, and which each is of."""
    records = program.instructions[numbers]
    of_values = copies_of_values(program.multiplications, program.weights, program.slots)
    return of_values[records["y"]], records["flags"].astype(np.int64)


def _shared(group: Numbers, copies: Numbers, copy: Numbers) -> tuple[Numbers, Numbers]:
    """The copies of groups of records: what all of a group are of, or else each token's own."""
    count = int(group.max(initial=-1)) + 1
    low, high = np.full((2, count), np.iinfo(np.int64).max), np.zeros((2, count), np.int64)
    for which, values in enumerate((copies, copy)):
        np.minimum.at(low[which], group, values)
        np.maximum.at(high[which], group, values)
    same = (low == high).all(axis=0)
    return np.where(same, high[0], 1), np.where(same, high[1], 0)


def _units(program: Program, adds: NDArray[np.intp], add_ps: int) -> Uses:
    """What units do: ADD records, then operations."""
    records, operations = program.instructions[adds], program.operations
    copies, copy = _copies(program, adds)
    many, ones = len(operations), np.ones(len(operations), np.int64)
    return Uses(
        np.concatenate([records["array"].astype(np.int64), operations[:, 2]]),
        np.concatenate([records["start"].astype(np.int64), operations[:, 3]]),
        np.concatenate([np.full(len(adds), add_ps, np.int64), operations[:, 4]]),
        np.concatenate([copies, ones]),
        np.concatenate([copy, np.zeros(many, np.int64)]),
    )


def _verify_one_at_a_time(resource: str, uses: Uses, interval_ps: int, records: NDArray[np.integer]) -> None:
    """The first uses are by these records, the others by operations."""
    clash = first_excess(uses, interval_ps, 1)
    names = [f"record {records[i]}" if i < len(records) else f"operation {i - len(records)}" for i in clash[:2]]
    if not names:
        return
    use = f"{names[0]} uses {resource} {uses.resource[clash[0]]}"
    if len(names) == 1:
        raise ProgramError(f"{use} for longer than tokens are apart, {interval_ps} ps")
    raise ProgramError(f"{use} while {names[1]} does so for another token, {interval_ps} ps apart")


def _verify_registers(program: Program, buffers: int, interval_ps: int, ends: Numbers, own: OwnMoves) -> None:
    """An array has a set of registers for each stage of each token that it serves."""
    numbers = np.flatnonzero(program.instructions["op"] == Opcode.MULTIPLY)
    services = services_of(program, ends, own)
    copies = _shared(services.of_record, *_copies(program, numbers))
    uses = Uses(services.array, services.start, services.end - services.start, *copies)
    crowd = first_excess(uses, interval_ps, buffers)
    if crowd:
        stages = ", ".join(str(services.stage[i]) for i in crowd)
        served = (
            f"array {services.array[crowd[0]]} serves stage{'s' if len(crowd) > 1 else ''} {stages} of several tokens"
        )
        raise ProgramError(f"{served} at the same time, {interval_ps} ps apart; it has {sets_text(buffers)}")
