"""Puts operations into what is scheduled of them, kernels, stages and permutations, and takes those apart again."""

from collections.abc import Sequence

from xdsl.ir import Block, Operation, Region, SSAValue, Use

from dialects import array, cim
from dialects.array import INTO_ARRAYS, OUT_OF_ARRAYS, KernelOp, MultiplyOp, StageOp, TransferOp
from dialects.attributes.tables import Table
from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp
from dialects.locations import location
from dialects.network import Network


def kernel_of(ops: Sequence[Operation], number: int, start_ps: int, duration_ps: int, work: Table) -> KernelOp | None:
    """The kernel of digital operators and constants that stand in a function; None if nobody else needs them.

    It takes their place. Constants that others read too stay before it, and operators read them wherever they are;
    only what is no operator, a stage or the caller, needs a constant to be yielded.
    """
    members = set(ops)
    leaving = [value for op in ops for value in op.results if any(_leaves(use, members) for use in value.uses)]
    if not leaving:
        return None
    body = Block()
    kernel = KernelOp(number, start_ps, duration_ps, work, Region(body), [value.type for value in leaving])
    kernel.location = location(f"kernel {number}")
    block = ops[-1].parent
    assert block is not None
    block.insert_op_after(kernel, ops[-1])
    inside = [op for op in ops if isinstance(op, DigitalOp) or _is_private(op, members)]
    for value, result in zip(leaving, kernel.results):
        result.name_hint = value.name_hint
        for use in [use for use in value.uses if _leaves(use, members)]:
            use.operation.operands[use.index] = result
    for op in inside:
        op.detach()
        body.add_op(op)
    _end(kernel, leaving)
    return kernel


def _leaves(use: Use, members: set[Operation]) -> bool:
    """Whether a value is needed outside of the operations that it is one of."""
    user, value = _outermost(use.operation), use.operation.operands[use.index]
    is_constant = isinstance(value.owner, ConstantOp | ReadOp | NoneOp)
    return user not in members and not (is_constant and isinstance(user, DigitalOp))


def _is_private(op: Operation, members: set[Operation]) -> bool:
    """Whether nobody but `members` reads a constant."""
    return all(_outermost(use.operation) in members for use in op.results[0].uses)


def _outermost(op: Operation) -> Operation:
    """The operation of the function's own block that `op` is or is inside of; a detached one is its own."""
    while (parent := op.parent_op()) is not None and parent.name != "func.func":
        op = parent
    return op


def stage_of(
    multiplies: Sequence[MultiplyOp], number: int, start_ps: int, duration_ps: int, transfer_ps: int
) -> StageOp:
    """The stage that holds the multiplications, detached as they are; it takes the place of their results."""
    body = Block()
    stage = StageOp(number, start_ps, duration_ps, Region(body), [m.result.type for m in multiplies])
    stage.location = location(f"stage {number}")
    for multiply, result in zip(multiplies, stage.results):
        result.name_hint = multiply.result.name_hint
        multiply.result.replace_all_uses_with(result)
    moved = {x: TransferOp(x, INTO_ARRAYS, 0, transfer_ps) for x in dict.fromkeys(m.x for m in multiplies)}
    for multiply in multiplies:
        multiply.operands[0] = moved[multiply.x].result
    outs = [TransferOp(m.result, OUT_OF_ARRAYS, duration_ps - transfer_ps, transfer_ps) for m in multiplies]
    for transfer in (*moved.values(), *outs):
        transfer.result.name_hint = transfer.x.name_hint
        transfer.location = stage.location
    body.add_ops([*moved.values(), *multiplies, *outs])
    _end(stage, [out.result for out in outs])
    return stage


def schedule_permutation(op: cim.PermuteOp, start_ps: int, duration_ps: int) -> None:
    """Let a permutation be one that starts at a time."""
    scheduled = array.PermuteOp(op.x, op.symbol, start_ps, duration_ps, op.result.type)
    _replace(op, scheduled)


def take_apart(network: Network) -> None:
    """The network before it was scheduled: operators in the order in which they run, and no times."""
    for op in network.body:
        if isinstance(op, array.PermuteOp):
            _replace(op, cim.PermuteOp(op.x, op.symbol, op.result.type))
        elif isinstance(op, StageOp | KernelOp):
            _dissolve(op)
        elif isinstance(op, MultiplyOp):
            op.groups, op.adds = None, None


def _dissolve(op: StageOp | KernelOp) -> None:
    """Let what is inside take the place of a stage or kernel."""
    block = op.parent
    assert block is not None
    for result, value in zip(op.results, op.yielded):
        source = value.owner.x if isinstance(value.owner, TransferOp) else value
        result.replace_all_uses_with(source)
    for inner in list(op.body.block.ops):
        if isinstance(inner, MultiplyOp):
            assert isinstance(inner.x.owner, TransferOp)
            inner.operands[0], inner.groups, inner.adds = inner.x.owner.x, None, None
        if not isinstance(inner, TransferOp | array.YieldOp):
            inner.detach()
            block.insert_op_before(inner, op)
    op.detach()
    op.erase()


def _replace(op: cim.PermuteOp | array.PermuteOp, new: cim.PermuteOp | array.PermuteOp) -> None:
    block = op.parent
    assert block is not None
    new.location, new.result.name_hint = op.location, op.result.name_hint
    block.insert_op_before(new, op)
    op.result.replace_all_uses_with(new.result)
    op.detach()
    op.erase()


def _end(op: StageOp | KernelOp, values: Sequence[SSAValue]) -> None:
    end = array.YieldOp(values)
    end.location = op.location
    op.body.block.add_op(end)
