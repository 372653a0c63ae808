"""The steps of a program: built from its records, its table of operators and its kernels' graphs."""

import numpy as np
from numpy.typing import NDArray

from cimc.clock.graph import Kind, Pool, Registers, Steps
from cimc.clock.lists import Lists, Numbers, spread
from cimc.clock.operator_steps import OperatorSteps
from cimc.clock.partial_sums import Work, needs_of_sums
from cimc.program.metadata import Timing
from cimc.program.program import Program
from cimc.program.records import CONTROL_FLOW, INTO_ARRAYS, Opcode
from cimc.program.times.timing import Activations, activations_of, record_ends

Pairs = tuple[Numbers, Numbers]


def steps_of(program: Program) -> Steps:
    """The steps of a program that has `timing`, and whose schedule is a legal one (`verify_schedule`)."""
    assert program.timing is not None, "a program without times has no steps"
    return _Builder(program, program.timing).steps()


class _Builder:
    """Activations come first, then the records that are steps of their own, then the nodes of kernels."""

    def __init__(self, program: Program, timing: Timing) -> None:
        self.program, self.timing = program, timing
        self.records = program.instructions
        self.op = self.records["op"]
        self.activations: Activations = activations_of(program, timing)
        self.ends = record_ends(program, timing, self.activations)
        own = np.isin(self.op, (Opcode.TRANSFER, Opcode.ADD, Opcode.PERMUTE, Opcode.LOAD, *CONTROL_FLOW))
        self.alone = np.flatnonzero(own)
        self.of_record = np.full(len(self.records), -1, np.int64)
        self.of_record[self.activations.records] = self.activations.of_record
        self.of_record[self.alone] = len(self.activations.array) + np.arange(len(self.alone))
        self.operators = OperatorSteps(
            program, self.of_record, self.ends, len(self.activations.array) + len(self.alone)
        )
        self.first_node = self.operators.first
        self.operators.follow()
        self.count = self.first_node + len(self.operators.starts)
        self.sums = self._work(Opcode.MULTIPLY), self._work(Opcode.ADD)
        self.sum_needs = needs_of_sums(*self.sums)

    def steps(self) -> Steps:
        activations, alone, nodes = self.activations, self.records[self.alone], self.operators
        starts = self._joined(activations.start, alone["start"], nodes.starts)
        ends = self._joined(activations.start + activations.duration, self.ends[self.alone], nodes.ends)
        first = np.full(len(activations.array), len(self.records), np.int64)
        np.minimum.at(first, activations.of_record, activations.records)
        record = self._joined(first, self.alone, nodes.records)
        kind = self._kinds()
        copy, copies = self._copies(record, kind)
        pairs = [*self._needs_of_sums(), self._needs_of_activations(), *self._barriers(kind, record), nodes.pairs()]
        resources, pool, pools = self._resources(kind)
        return Steps(
            program=self.program,
            kind=kind,
            start=starts,
            duration=ends - starts,
            resources=resources,
            units=np.diff(resources.first),
            pool=pool,
            needs=Lists.of_pairs(
                np.concatenate([users for users, _ in pairs]),
                np.concatenate([needed for _, needed in pairs]),
                self.count,
            ),
            record=record,
            operation=self._first_rows(),
            copy=copy,
            copies=copies,
            order=np.lexsort([np.arange(self.count), record, _rank(kind), starts]),
            of_record=self.of_record,
            of_operation=nodes.of_rows,
            of_node=nodes.of_kernels(),
            registers=self._registers(),
            buffers=self.timing.buffers,
            pools=pools,
        )

    def _joined(self, *parts: NDArray[np.generic]) -> Numbers:
        return np.concatenate([part.astype(np.int64) for part in parts])

    def _kinds(self) -> NDArray[np.int8]:
        alone = self.records[self.alone]
        kinds = np.full(len(self.alone), Kind.BARRIER, np.int8)
        moves, inward = alone["op"] == Opcode.TRANSFER, alone["flags"] == INTO_ARRAYS
        kinds[moves] = np.where(inward[moves], Kind.INWARD, Kind.OUTWARD)
        kinds[alone["op"] == Opcode.ADD] = Kind.ADDITION
        kinds[alone["op"] == Opcode.PERMUTE] = Kind.PERMUTATION
        activations = np.full(len(self.activations.array), Kind.ACTIVATION, np.int8)
        return np.concatenate([activations, kinds, np.full(len(self.operators.starts), Kind.OPERATOR, np.int8)])

    def _copies(self, record: Numbers, kind: NDArray[np.int8]) -> Pairs:
        """Of activations and additions, whose records say which copy of the weight they use."""
        working = np.isin(self.op, (Opcode.MULTIPLY, Opcode.ADD))
        copies = np.ones(self.program.slots, np.int64)
        np.maximum.at(copies, self.records["y"][working], self.records["flags"][working].astype(np.int64) + 1)
        own = np.isin(kind, (Kind.ACTIVATION, Kind.ADDITION))
        copy = np.where(own, self.records["flags"][record], 0).astype(np.int64)
        return copy, np.where(own, copies[self.records["y"][record] * own], 1)

    def _work(self, op: Opcode) -> Work:
        numbers = np.flatnonzero(self.op == op)
        return Work(self.records[numbers], self.of_record[numbers], self.ends[numbers])

    def _needs_of_sums(self) -> list[Pairs]:
        """What additions need, and products that move out."""
        additions, operands = self.sum_needs.additions
        values, sums = self.sum_needs.values
        outward = self._outward(values)
        moved = outward >= 0
        return [(self.sums[1].steps[additions], operands), (outward[moved], sums[moved])]

    def _transfers(self, inward: bool) -> Numbers:
        return np.flatnonzero((self.op == Opcode.TRANSFER) & ((self.records["flags"] == INTO_ARRAYS) == inward))

    def _outward(self, slots: NDArray[np.integer]) -> Numbers:
        """The steps in which the products in these slots move out, -1 for those that stay."""
        moves = self._transfers(False)
        step = np.full(self.program.slots, -1, np.int64)
        step[self.records["x"][moves]] = self.of_record[moves]
        return step[slots]

    def _inward(self, numbers: Numbers) -> Numbers:
        """The steps in which the vectors of MULTIPLY records move into the arrays of their stage."""
        moves = self._transfers(True)
        keys = self.records["stage"].astype(np.int64) * self.program.slots + self.records["x"]
        order = np.argsort(keys[moves], kind="stable")
        return self.of_record[moves][order[np.searchsorted(keys[moves], keys[numbers], sorter=order)]]

    def _needs_of_activations(self) -> Pairs:
        numbers = self.activations.records
        return self.activations.of_record, self._inward(numbers)

    def _registers(self) -> Registers:
        numbers, activations = self.activations.records, self.activations
        pairs = np.stack([activations.array, activations.stage], axis=1)[activations.of_record]
        rows, which = np.unique(pairs, axis=0, return_inverse=True)
        inward = Lists.of_pairs(which, self._inward(numbers), len(rows))
        values, sums = self.sum_needs.values
        outward = self._outward(values)
        done = Lists.of_pairs(values, np.where(outward >= 0, outward, sums), self.program.slots)
        last, place = spread(done, self.records["y"][numbers].astype(np.int64))
        return Registers(rows[:, 0], rows[:, 1], inward, Lists.of_pairs(which.reshape(-1)[place], last, len(rows)))

    def _barriers(self, kind: NDArray[np.int8], record: Numbers) -> list[Pairs]:
        """A barrier needs all since the one before, and is needed by all until the one after."""
        barriers = np.flatnonzero(kind == Kind.BARRIER)
        places, others = record[barriers], np.flatnonzero(kind != Kind.BARRIER)
        after = np.searchsorted(places, record[others])
        before, late = after < len(barriers), after > 0
        return [
            (barriers[after[before]], others[before]),
            (others[late], barriers[after[late] - 1]),
            (barriers[1:], barriers[:-1]),
        ]

    def _resources(self, kind: NDArray[np.int8]) -> tuple[Lists, NDArray[np.int8], tuple[range, range, range]]:
        arrays = len(self.program.arrays)
        attention, links = arrays + self.timing.digital_units, self.timing.links
        first_link = attention + self.timing.attention_units
        pools = (range(arrays, attention), range(attention, first_link), range(first_link, first_link + (links or 0)))
        unit = self.records["array"][self.alone].astype(np.int64)
        adds = kind[len(self.activations.array) : self.first_node] == Kind.ADDITION
        moving = np.isin(self.op[self.alone], (Opcode.TRANSFER, Opcode.PERMUTE)) & bool(links)
        step = len(self.activations.array) + np.arange(len(self.alone))
        rows = self.operators.of_rows
        taken = [self.activations.array, arrays + unit[adds], first_link + unit[moving]]
        taken.append(arrays + self.program.operations[:, 2])
        users = [np.arange(len(self.activations.array)), step[adds], step[moving], rows]
        resources = Lists.of_pairs(np.concatenate(users), np.concatenate(taken), self.count)
        pool = np.full(self.count, Pool.NONE, np.int8)
        for number, chosen in enumerate(pools):
            inside = (resources.values >= chosen.start) & (resources.values < chosen.stop)
            pool[resources.owners[inside]] = number
        return resources, pool, pools

    def _first_rows(self) -> Numbers:
        rows = np.full(self.count, -1, np.int64)
        backwards = np.arange(len(self.operators.of_rows))[::-1]
        rows[self.operators.of_rows[backwards]] = backwards
        return rows


def _rank(kind: NDArray[np.int8]) -> NDArray[np.int8]:
    """What comes first of what starts at the same time, since it may take no time and others may wait for it."""
    return np.select([kind == Kind.ADDITION, kind == Kind.OUTWARD], [0, 1], 2).astype(np.int8)
