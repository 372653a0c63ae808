"""Puts operations into what is scheduled of them (kernels, stages, permutations, control flow) and takes it apart."""

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.ir import Block, Operation, Region, SSAValue, Use

from dialects import array, cim
from dialects.array import INTO_ARRAYS, OUT_OF_ARRAYS, ControlOp, KernelOp, MultiplyOp, StageOp, TableAttr, TransferOp
from dialects.attributes.tables import Table
from dialects.cim import ConstantOp, DigitalOp, NoneOp, ReadOp
from dialects.locations import location
from dialects.network import Network
from passes.rewriting.levels import is_staged
from passes.schedule_arrays.analysis.steps import Moved, StageTimes


def kernel_of(
    ops: Sequence[Operation], block: Block, number: int, start_ps: int, duration_ps: int, work: Table
) -> KernelOp | None:
    """The kernel of digital operators and constants that stand in a block; None if nobody else needs them.

    It takes their place. Constants that others read too stay before it, and operators read them wherever they are;
    only what is no operator, a stage, control flow or the caller, needs a constant to be yielded.
    """
    members = set(ops)
    leaving = [value for op in ops for value in op.results if any(_leaves(use, members, block) for use in value.uses)]
    if not leaving:
        return None
    body = Block()
    kernel = KernelOp(number, start_ps, duration_ps, work, Region(body), [value.type for value in leaving])
    kernel.location = location(f"kernel {number}")
    block.insert_op_after(kernel, ops[-1])
    inside = [op for op in ops if isinstance(op, DigitalOp) or _is_private(op, members, block)]
    replaced: dict[Operation, dict[int, SSAValue]] = {}
    for value, result in zip(leaving, kernel.results):
        result.name_hint = value.name_hint
        for use in value.uses:
            if _leaves(use, members, block):
                replaced.setdefault(use.operation, {})[use.index] = result
    for user, values in replaced.items():  # at once: to set one of n operands takes as long as to set all
        user.operands = [values.get(i, operand) for i, operand in enumerate(user.operands)]
    for op in inside:
        op.detach()
        body.add_op(op)
    _end(kernel, leaving)
    return kernel


def _leaves(use: Use, members: set[Operation], block: Block) -> bool:
    """Whether a value of `block` is needed outside of the operations that it is one of."""
    owner = use.operation.operands[use.index].owner
    if isinstance(owner, NoneOp) or (isinstance(owner, ConstantOp | ReadOp) and _is_of_operator(use.operation)):
        return False
    return _outermost(use.operation, block) not in members


def _is_of_operator(op: Operation | None) -> bool:
    """Whether an operation is a digital operator, or in a body of one."""
    while op is not None and not isinstance(op, DigitalOp):
        op = op.parent_op()
    return op is not None


def _is_private(op: Operation, members: set[Operation], block: Block) -> bool:
    """Whether nobody but `members` reads a constant."""
    return all(_outermost(use.operation, block) in members for use in op.results[0].uses)


def _outermost(op: Operation, block: Block) -> Operation:
    """The operation of `block` that `op` is or is inside of; a detached one is its own."""
    while op.parent is not block and (parent := op.parent_op()) is not None:
        op = parent
    return op


def begin_control(network: Network) -> None:
    """Let control flow with multiplications in its bodies be one that can be scheduled, at no time yet."""
    for op in [op for op in network.ops if isinstance(op, DigitalOp) and is_staged(op)]:
        assert op.bodies is not None
        graphs = [op.detach_region(region) for region in list(op.regions)]
        types = [result.type for result in op.results]
        control = ControlOp(op.op_type, op.inputs, types, op.settings, op.bodies, graphs)
        _replace_control(op, control, array.YieldOp)


def _end_control(op: ControlOp) -> None:
    """Let control flow be what it was before it was scheduled."""
    graphs = [op.detach_region(region) for region in list(op.regions)]
    types = [result.type for result in op.results]
    digital = DigitalOp(op.op_type.data, op.inputs, types, op.setting, bodies=op.bodies, graphs=graphs)
    _replace_control(op, digital, cim.YieldOp)


def _replace_control(
    op: DigitalOp | ControlOp, new: DigitalOp | ControlOp, end: type[array.YieldOp] | type[cim.YieldOp]
) -> None:
    """Let control flow take the place of another form of it, whose bodies it has; they end in another way."""
    block = op.parent
    assert block is not None
    new.location = op.location
    block.insert_op_before(new, op)
    for old, result in zip(op.results, new.results):
        result.name_hint = old.name_hint
        old.replace_all_uses_with(result)
    op.detach()
    op.erase()
    for graph in new.graphs:
        last = graph.block.last_op
        assert last is not None
        yielded = end(list(last.operands))
        yielded.location = last.location
        last.detach()
        last.erase()
        graph.block.add_op(yielded)


def stage_of(
    multiplies: Sequence[MultiplyOp],
    number: int,
    groups: Mapping[str, Table],
    times: StageTimes,
    has_links: bool,
) -> StageOp:
    """The stage that holds the multiplications, which stand in a block; it takes their place.

    `groups` are the row groups of each weight, without times. Transfers say which link they are on if the chip
    `has_links`.
    """
    body, begin = Block(), times.start
    stage = StageOp(number, begin, times.end - begin, Region(body), [m.result.type for m in multiplies])
    stage.location = location(f"stage {number}")
    block = multiplies[-1].parent
    assert block is not None
    block.insert_op_after(stage, multiplies[-1])
    for multiply, result in zip(multiplies, stage.results):
        multiply.detach()
        result.name_hint = multiply.result.name_hint
        multiply.result.replace_all_uses_with(result)

    def transfer(x: SSAValue, direction: str, moved: Moved) -> TransferOp:
        link = moved.link if has_links else None
        op = TransferOp(x, direction, moved.start - begin, moved.duration, link)
        op.result.name_hint = x.name_hint
        op.location = stage.location
        return op

    vectors = dict.fromkeys(m.x for m in multiplies)
    ins = {x: transfer(x, INTO_ARRAYS, moved) for x, moved in zip(vectors, times.ins)}
    for multiply, starts, adds in zip(multiplies, times.starts, times.adds):
        multiply.operands[0] = ins[multiply.x].result
        multiply.groups = TableAttr.of(np.column_stack([groups[multiply.symbol], starts - begin]))
        multiply.adds = TableAttr.of(adds - np.array([0, 0, 0, begin, 0])) if len(adds) else None
    outs = [transfer(m.result, OUT_OF_ARRAYS, moved) for m, moved in zip(multiplies, times.outs)]
    body.add_ops([*ins.values(), *multiplies, *outs])
    _end(stage, [out.result for out in outs])
    return stage


def schedule_permutation(op: cim.PermuteOp, moved: Moved, has_links: bool) -> None:
    """Let a permutation be one that starts at a time, and is on a link where there are so many."""
    link = moved.link if has_links else None
    _replace(op, array.PermuteOp(op.x, op.symbol, moved.start, moved.duration, op.result.type, link))


def take_apart(network: Network) -> None:
    """The network before it was scheduled: operators in the order in which they run, and no times."""
    for op in network.ops:
        if isinstance(op, array.PermuteOp):
            _replace(op, cim.PermuteOp(op.x, op.symbol, op.result.type))
        elif isinstance(op, StageOp | KernelOp):
            _dissolve(op)
        elif isinstance(op, ControlOp):
            _end_control(op)
        elif isinstance(op, MultiplyOp):
            op.groups, op.adds = None, None
        elif isinstance(op, array.LoadOp):
            op.detach()
            op.erase()


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
