"""Levels of a network's operations: how many multiplications (or others) in succession each waits for."""

from collections.abc import Iterator, Mapping, Sequence

from xdsl.ir import Operation, OpResult

from dialects.array import MultiplyOp
from dialects.cim import CONSTANTS
from passes.analysis.levels import levels


def operation_levels(ops: Sequence[Operation], counted: type[Operation] = MultiplyOp) -> dict[Operation, int]:
    """The level of each operation: how many `counted` ones in succession it waits for, by what it reads of `ops`.

    Constants have that of their first user, to stand near it. `array.multiply` operations of one level form a stage;
    digital operations of level l run before stage l.
    """
    index = {op: i for i, op in enumerate(ops)}
    needs = [[index[o] for o in sources(op) if o in index] for op in ops]
    level = dict(zip(ops, levels(needs, [isinstance(op, counted) for op in ops])))
    first_use: dict[Operation, int] = {}
    for op, reads in zip(ops, needs):
        for source in (ops[j] for j in reads):
            if type(source) in CONSTANTS:
                first_use[source] = min(first_use.get(source, level[op]), level[op])
    return level | first_use


def by_level(ops: Sequence[Operation], level: Mapping[Operation, int]) -> list[list[Operation]]:
    """The operations of each level, in order; at least one level."""
    ops_of: list[list[Operation]] = [[] for _ in range(1 + max(level.values(), default=0))]
    for op in ops:
        ops_of[level[op]].append(op)
    return ops_of


def sources(op: Operation) -> Iterator[Operation]:
    """The operations whose results `op` reads, in its regions too."""
    for inner in op.walk() if op.regions else (op,):
        for value in inner.operands:
            if isinstance(value, OpResult):
                yield value.op
