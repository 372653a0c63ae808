"""Straightens the way between multiplications by blocks: chains of data movement become permutations of vectors."""

import numpy as np
from xdsl.dialects.builtin import TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.utils.hints import isa

from dialects.cim import MatmulOp
from dialects.network import Network, shape_of
from passes.detect_block_diagonal.data_movement import Movement, Sources, Tried, moved_operands, movement
from passes.rewriting.digital import DigitalBuilder


def straighten(network: Network) -> None:
    """Replace the operands of, and what is made of, structured multiplications by permutations where that is exact.

    No pattern: it changes operands, not operations, and where movements come from is found once for all.
    """
    sources, tried = Sources(), Tried()
    for op in network.ops:
        for index, operand in moved_operands(op):
            source = sources.of(operand)
            if source is None or not (_is_structured(op, network) or _is_structured(source.owner, network)):
                continue
            move = movement(operand, source, network, tried)
            if move is not None:
                _replace_operand(op, index, move, DigitalBuilder(network, op))


def _is_structured(op: object, network: Network) -> bool:
    return isinstance(op, MatmulOp) and network.weight(op.symbol).structure is not None


def _replace_operand(op: Operation, index: int, move: Movement, builder: DigitalBuilder) -> None:
    """Let operand `index` be read straight from the source, in vectors of its leading dimensions."""
    old = op.operands[index]
    if isinstance(op, MatmulOp):
        if not _can_change_leading(op, move):
            return
        new = _gathered(builder, move)
        _multiply_vectors(op, new, move, builder)
    elif move.same_leading:
        op.operands[index] = _gathered(builder, move)
    elif len(shape_of(old.type) or ()) == 2:
        gathered = _gathered(builder, move)
        op.operands[index] = _flattened(builder, gathered, old)


def _can_change_leading(op: MatmulOp, move: Movement) -> bool:
    return move.same_leading or len(shape_of(op.x.type) or ()) == 2


def _multiply_vectors(op: MatmulOp, x: SSAValue, move: Movement, builder: DigitalBuilder) -> None:
    """The multiplication with the leading dimensions of the source; users of its result see the shape they know."""
    if move.same_leading:
        op.operands[0] = x
        return
    columns = (shape_of(op.result.type) or (-1,))[-1]
    new = builder.matmul(x, op.symbol, columns)
    flat = _flattened(builder, new, op.result)
    flat.name_hint = op.result.name_hint
    op.result.replace_all_uses_with(flat)


def _flattened(builder: DigitalBuilder, x: SSAValue, like: SSAValue) -> SSAValue:
    """`x` as a matrix of vectors, [vectors, features], with the type of `like`."""
    assert isa(like.type, TensorType)
    features = like.type.get_shape()[-1]
    return builder.op("Reshape", [x, builder.constant(np.array([-1, features]), "shape")], like.type)


def _gathered(builder: DigitalBuilder, move: Movement) -> SSAValue:
    """`source[..., table]`, with zeros where the table says so."""
    source, table = move.source, move.table
    shape = shape_of(source.type)
    assert shape is not None
    features, outside = shape[-1], table < 0
    if not outside.any():
        return builder.permute(source, table, "order")
    tail = np.arange(features, features + int(outside.sum()))
    padded = builder.pad_last(source, len(tail))
    filled = table.copy()
    filled[outside] = tail
    return builder.permute(padded, filled, "order")
