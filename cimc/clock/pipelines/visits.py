"""Arrays that serve a stage each by itself: its vectors move into an array when that has time for them, and what it has
summed up moves out when it is done."""

from dataclasses import dataclass, replace

import numpy as np

from cimc.clock.graph import Kind, Pool, Registers, Steps
from cimc.clock.lists import Lists, Numbers, spread
from cimc.program.records import INTO_ARRAYS, Opcode


@dataclass(frozen=True, eq=False)
class Visits:
    """Steps in which arrays have moves of their own, which follow all other steps.

    The transfer of a vector into the arrays of a stage is then a step that nothing waits for, and a product leaves when
    all that arrays have moved out is added.
    """

    steps: Steps
    record: Numbers
    """the TRANSFER record that each move is of"""
    array: Numbers

    @property
    def first(self) -> int:
        """The step of the first move."""
        return len(self.steps) - len(self.record)


def can_visit(steps: Steps) -> bool:
    """Whether arrays may move by themselves: all products move out."""
    moves_out = steps.kind[steps.registers.outward.values] == Kind.OUTWARD
    return bool(moves_out.all()) and bool(len(steps.registers.array))


def visits_of(steps: Steps) -> Visits:
    """The steps of a program whose arrays move by themselves; they can (`can_visit`).

    Where links are counted, each move takes any of them; the steps have one, in turn.
    """
    registers = steps.registers
    old = np.concatenate([registers.inward.values, registers.outward.values])
    residence = np.concatenate([registers.inward.owners, registers.outward.owners])
    into, count = len(registers.inward.values), len(old)
    moves = _Moves(steps, residence * len(steps) + old, into)
    kind = np.concatenate([steps.kind, steps.kind[old]])
    kind[: len(steps)][np.isin(steps.kind, (Kind.INWARD, Kind.OUTWARD))] = Kind.PERMUTATION
    new, array, links = len(steps) + np.arange(count), registers.array[residence], steps.pools[Pool.LINKS]
    link = np.arange(count) % max(1, len(links))
    units = np.full(count, min(1, len(links)))
    apart = replace(
        steps,
        kind=kind,
        start=np.concatenate([steps.start, steps.start[old]]),
        duration=np.concatenate([steps.duration, steps.duration[old]]),
        resources=Lists(
            np.concatenate([steps.resources.first, steps.resources.first[-1] + np.cumsum(units)]),
            np.concatenate([steps.resources.values, (links.start + link)[units > 0]]),
        ),
        units=np.concatenate([steps.units, units]),
        pool=np.concatenate([steps.pool, steps.pool[old]]),
        needs=moves.needs(),
        record=np.concatenate([steps.record, steps.record[old]]),
        operation=np.concatenate([steps.operation, np.full(count, -1)]),
        copy=np.concatenate([steps.copy, np.zeros(count, np.int64)]),
        copies=np.concatenate([steps.copies, np.ones(count, np.int64)]),
        order=moves.order(old),
        registers=Registers(
            registers.array,
            registers.stage,
            Lists(registers.inward.first, new[:into]),
            Lists(registers.outward.first, new[into:]),
        ),
        apart=True,
    )
    return Visits(apart, steps.record[old], array)


class _Moves:
    """What arrays move by themselves: which conversions wait for which vectors, and which sums for which conversions.

    `keys` are those of the moves: the number of a residence times that of steps, and the transfer; `into` of them are
    into arrays.
    """

    def __init__(self, steps: Steps, keys: Numbers, into: int) -> None:
        self.steps, self.keys, self.into = steps, keys, into
        records, registers = steps.program.instructions, steps.registers
        numbers = np.flatnonzero(records["op"] == Opcode.MULTIPLY)
        array, stage, x, y = (records[name][numbers].astype(np.int64) for name in ("array", "stage", "x", "y"))
        width = int(registers.stage.max()) + 1
        residence = np.searchsorted(registers.array * width + registers.stage, array * width + stage)
        self.converts: Numbers = steps.of_record[numbers]
        self.residence = np.full(len(steps), -1, np.int64)
        self.residence[self.converts] = residence
        transfers = np.flatnonzero(records["op"] == Opcode.TRANSFER)
        goes_in = records["flags"][transfers] == INTO_ARRAYS
        self.leaves = np.full(steps.program.slots, -1, np.int64)
        self.leaves[records["x"][transfers[~goes_in]]] = steps.of_record[transfers[~goes_in]]
        moved = records[transfers[goes_in]]
        pairs = moved["stage"].astype(np.int64) * steps.program.slots + moved["x"]
        order = np.argsort(pairs)
        arrives = steps.of_record[transfers[goes_in]][order]
        vector = arrives[np.searchsorted(pairs[order], stage * steps.program.slots + x)]
        self.moves_in = self._move(residence, vector, slice(0, into))
        self.moves_out = self._move(residence, self.leaves[y], slice(into, None))

    def _move(self, residence: Numbers, transfer: Numbers, part: slice) -> Numbers:
        """The steps of moves, among those of a part."""
        wanted = residence * len(self.steps) + transfer
        return len(self.steps) + (part.start or 0) + np.searchsorted(self.keys[part], wanted)

    def needs(self) -> Lists:
        """What each step needs: conversions their array's own moves, sums what arrays have moved out."""
        steps, records = self.steps, self.steps.program.instructions
        kind, owners, values = steps.kind, steps.needs.owners, steps.needs.values
        drives = (kind[owners] == Kind.ACTIVATION) & (kind[values] == Kind.INWARD)
        sums = np.isin(kind[owners], (Kind.ADDITION, Kind.OUTWARD)) & (kind[values] == Kind.ACTIVATION)
        kept = ~drives & ~sums
        user, converted = owners[sums], values[sums]
        adds = kind[user] == Kind.ADDITION
        product = np.where(adds, records["y"][steps.record[user]], records["x"][steps.record[user]])
        moved = self._move(self.residence[converted], self.leaves[product], slice(self.into, None))
        before, move = spread(steps.needs, self.keys[: self.into] % len(steps))
        pairs = [
            (owners[kept], values[kept]),
            (self.converts, self.moves_in),
            (self.moves_out, self.converts),
            (user, moved),
            (len(steps) + move, before),
        ]
        count = len(steps) + len(self.keys)
        return Lists.of_pairs(np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs]), count)

    def order(self, old: Numbers) -> Numbers:
        """All steps, each after what it needs: moves in follow their transfer, moves out the last conversion."""
        steps = self.steps
        rank = np.empty(len(steps), np.int64)
        rank[steps.order] = 2 * np.arange(len(steps))
        own = np.zeros(len(self.keys), np.int64)
        own[: self.into] = rank[old[: self.into]] + 1
        np.maximum.at(own, self.moves_out - len(steps), rank[self.converts] + 1)
        return np.argsort(np.concatenate([rank, own]), kind="stable")
