"""Levels of a network's operations: how many multiplications (or others) in succession each waits for."""

from collections.abc import Iterator, Mapping, Sequence

from xdsl.ir import Block, Operation, OpResult

from dialects.array import ControlOp, MultiplyOp
from dialects.cim import CONSTANTS
from dialects.network import Network, bodies, operations
from passes.analysis.levels import levels


def multiplies(op: Operation) -> bool:
    """Whether arrays work for an operation: a multiplication, or control flow with one in a body."""
    return isinstance(op, MultiplyOp) or is_staged(op)


def is_staged(op: Operation) -> bool:
    """Whether it is control flow whose bodies have stages of their own."""
    return isinstance(op, ControlOp) or any(isinstance(o, MultiplyOp) for body in bodies(op) for o in operations(body))


def operation_levels(ops: Sequence[Operation], counted: type[Operation] | None = None) -> dict[Operation, int]:
    """The level of each operation: how many `counted` ones in succession it waits for, by what it reads of `ops`.

    By default those count for which arrays work (`multiplies`). Constants have the level of their first user, to stand
    near it. `array.multiply` operations of one level form a stage; digital operations of level l run before stage l.
    """
    index = {op: i for i, op in enumerate(ops)}
    needs = [[index[o] for o in sources(op) if o in index] for op in ops]
    counts = [multiplies(op) if counted is None else isinstance(op, counted) for op in ops]
    level = dict(zip(ops, levels(needs, counts)))
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


def stage_numbers(network: Network) -> dict[MultiplyOp, int]:
    """The number of the stage that each multiplication is to be in; those in bodies have stages of their own."""
    numbers: dict[MultiplyOp, int] = {}
    _number(network.block, numbers, 0)
    return numbers


def _number(block: Block, numbers: dict[MultiplyOp, int], next_: int) -> int:
    """Number the stages of a block from `next_` on; gives the number after them."""
    ops = list(block.ops)[:-1]
    for members in by_level(ops, operation_levels(ops)):
        own = [op for op in members if isinstance(op, MultiplyOp)]
        numbers.update((op, next_) for op in own)
        next_ += bool(own)
        for op in members:
            for body in bodies(op) if is_staged(op) else ():
                next_ = _number(body, numbers, next_)
    return next_


def sources(op: Operation) -> Iterator[Operation]:
    """The operations whose results `op` reads, in its regions too."""
    for inner in op.walk() if op.regions else (op,):
        for value in inner.operands:
            if isinstance(value, OpResult):
                yield value.op
