"""Legality of reading: operators, permutations and transfers take what is there, arrays what was brought to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import INTO_ARRAYS, Opcode
from cimc.program.schedule.moves import OwnMoves, no_own_moves
from cimc.program.schedule.operators import Operators
from cimc.program.times.timing import Numbers


def verify_values(
    program: Program, ends: Numbers, arriving: Mapping[int, int] | None = None, own: OwnMoves | None = None
) -> dict[int, int]:
    """Raises ProgramError if a value is used before it is where it is used (S8, S9, S10, S11, S12).

    `ends` tells when records are done, `arriving` when inputs are there that are not from the beginning, `own` what
    arrays move by themselves (S20). Returns when each value is there that is not in an array [ps].
    """
    own = own or no_own_moves(program)
    known = _Times(program, ends)
    known.ready.update(arriving or {})
    op = program.instructions["op"]
    numbers = np.flatnonzero(~np.isin(op, (Opcode.CLEAR, Opcode.MULTIPLY, Opcode.ADD, Opcode.LOAD)))
    fields = program.instructions[numbers][["op", "flags", "stage", "x", "y", "k", "start"]].tolist()
    for number, end, (code, *others) in zip(numbers.tolist(), ends[numbers].tolist(), fields):
        known.follow(number, Opcode(code), others, end)
    moved = program.instructions[own.record]
    for i in np.flatnonzero(moved["flags"] == INTO_ARRAYS).tolist():
        _in_time(int(own.record[i]), int(moved["x"][i]), known.ready.get(int(moved["x"][i])), int(own.start[i]))
    _verify_driving(program, known.arrived, own)
    for output in program.outputs:
        if output.slot not in known.ready:
            raise ProgramError(f"the output in value {output.slot} is never moved out of the arrays")
    return known.ready


@dataclass
class _Times:
    """When values are where, in ps: outside of the arrays, in the arrays of a stage, and as finished sums in them."""

    program: Program
    ends: Numbers
    ready: dict[int, int] = field(default_factory=dict[int, int])
    arrived: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    summed: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        self.operators = Operators(self.program)
        self.ready.update((value.slot, 0) for value in self.program.inputs)
        records = self.program.instructions
        last = np.zeros(self.program.slots, np.int64)
        working = np.flatnonzero(np.isin(records["op"], [Opcode.CLEAR, Opcode.MULTIPLY, Opcode.ADD]))
        np.maximum.at(last, records["y"][working], self.ends[working])
        self.summed.update((m.y, int(last[m.y])) for m in self.program.multiplications)

    def follow(self, number: int, op: Opcode, others: Sequence[int], end: int) -> None:
        """A record that reads (S9, S12) or moves a value (S8, S10), checked and done; in the program's order."""
        flags, stage, x, y, k, start = others
        match op:
            case Opcode.KERNEL:
                self.ready.update(self.operators.results(number, k, start, self.ready))
            case Opcode.PERMUTE:
                _in_time(number, x, self.ready.get(x), start)
                self.ready[y] = end
            case Opcode.TRANSFER if flags == INTO_ARRAYS:
                if (stage, x) in self.arrived:
                    raise ProgramError(f"record {number} moves value {x} into the arrays of stage {stage} once more")
                _in_time(number, x, self.ready.get(x), start)
                self.arrived[stage, x] = end
            case Opcode.TRANSFER:
                if x not in self.summed:
                    raise ProgramError(f"record {number} moves value {x} out of arrays, which is no product")
                if x in self.ready:
                    raise ProgramError(f"record {number} moves value {x} out of arrays once more")
                _in_time(number, x, self.summed[x], start)
                self.ready[x] = end
            case _:
                self._pass(number, op, k, start)

    def _pass(self, number: int, op: Opcode, k: int, start: int) -> None:
        """A record of control flow: bodies begin with values that are there, and end when theirs are."""
        control = self.program.controls[k]
        reads: tuple[int, ...] = control.reads
        begins: tuple[int, ...] = control.begins[0]
        if op is Opcode.ELSE:
            reads, begins = control.ends[0], control.begins[1]
        elif op is Opcode.END:
            reads, begins = control.ends[-1], control.writes
        for slot in reads:
            _in_time(number, slot, self.ready.get(slot), start)
        self.ready.update((slot, start) for slot in begins)


def _verify_driving(program: Program, arrived: dict[tuple[int, int], int], own: OwnMoves) -> None:
    """Rows are driven with what has been brought to the arrays of the stage, or to theirs (S10); it adds to what is
    cleared (S11)."""
    numbers = np.flatnonzero(program.instructions["op"] == Opcode.MULTIPLY)
    records = program.instructions[numbers]
    start = records["start"].astype(np.int64)
    pairs = records["stage"].astype(np.int64) * program.slots + records["x"]
    known = np.array(sorted((stage * program.slots + x, time) for (stage, x), time in arrived.items()), np.int64)
    known = np.append(known.reshape(-1, 2), [[np.iinfo(np.int64).max, -1]], axis=0)
    place = np.searchsorted(known[:, 0], pairs)
    earliest = np.where(known[place, 0] == pairs, known[place, 1], -1)
    alone = own.into.end[numbers]
    earliest = np.where(alone >= 0, alone, earliest)
    for i in np.flatnonzero((earliest < 0) | (start < earliest))[:1].tolist():
        when = None if earliest[i] < 0 else int(earliest[i])
        _in_time(int(numbers[i]), int(records["x"][i]), when, int(start[i]))
    clears = np.flatnonzero(program.instructions["op"] == Opcode.CLEAR)
    cleared = np.zeros(program.slots, np.int64)
    cleared[program.instructions["y"][clears]] = program.instructions["start"][clears]
    for i in np.flatnonzero(start < cleared[records["y"]])[:1].tolist():
        y = int(records["y"][i])
        raise ProgramError(f"record {numbers[i]} adds to value {y} at {start[i]} ps, cleared at {cleared[y]} ps")


def _in_time(number: int, slot: int, ready: int | None, start: int) -> None:
    if ready is None or ready > start:
        when = "which is never brought there" if ready is None else f"which is there from {ready} ps on"
        raise ProgramError(f"record {number} reads value {slot} at {start} ps, {when}")
