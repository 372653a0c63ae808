"""How a permutation of vectors is folded into the multiplication before it, the one after it, or moved past a bias."""

import numpy as np
from xdsl.dialects.builtin import NoneType, SymbolRefAttr
from xdsl.ir import Operation, SSAValue

from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import AffineAttr, ConstantOp, DigitalOp, MatmulOp, PermuteOp, ReadOp, WeightOp
from dialects.element_types import Array
from dialects.network import Network, shape_of
from dialects.semantics.weight_values import column_order, scale_of, zero_point_of
from passes.rewriting.constants import constant_of
from passes.rewriting.digital import DigitalBuilder, replace

UNARY = (
    *("Abs", "Cast", "Ceil", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log"),
    *("Mish", "Neg", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Softplus", "Sqrt", "Tanh"),
)
BINARY = ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max")
"""Operators that treat every element alike: they may change places with a permutation."""


def fold_into_producer(permute: PermuteOp, table: Array, builder: DigitalBuilder) -> SSAValue | None:
    """The product with reordered columns, where nobody else uses the product in its old order; else None.

    Columns of blocks that the permutation drops come last, and are cut off.
    A weight of several products is reordered if all of them want the same order, for else it would be stored twice.
    """
    product = permute.x.owner
    if not isinstance(product, MatmulOp) or _users(permute.x) != 1:
        return None
    weight = builder.network.weight(product.symbol)
    if not all(_gives(table, other, builder) for other in _products(weight, builder.network)):
        return None
    if weight.structure is None:
        values = np.ascontiguousarray(weight.array(builder.network.store)[:, table])
        symbol = builder.weight(values, f"{weight.symbol}.ordered", _affine(builder, weight, table))
        return _located(builder.matmul(product.x, symbol, len(table)), product)
    if not isinstance(weight.structure, BlockDiagonalAttr) or len(set(table.tolist())) != len(table):
        return None
    dropped: Array = np.setdiff1d(np.arange(weight.matrix_shape[1], dtype=np.int64), table)
    whole: Array = np.concatenate([table, dropped])
    order, places = column_order(weight, builder.network), np.argsort(whole)
    y = _ordered_product(builder, product, weight, places if order is None else places[order], whole)
    return y if not len(dropped) else builder.first_of_last(y, len(table))


def _gives(table: Array, product: MatmulOp, builder: DigitalBuilder) -> bool:
    """Whether all that is made of a product is its permutation by `table`, and not for the next factor's blocks."""
    users = [use.operation for use in product.result.uses]
    if len(users) != 1 or not isinstance(users[0], PermuteOp) or not np.array_equal(_table(users[0], builder), table):
        return False
    between = all(_is_structured(use.operation, builder.network) for use in users[0].result.uses)
    return not between or not _is_structured(product, builder.network)


def _ordered_product(
    builder: DigitalBuilder, product: MatmulOp, weight: WeightOp, order: Array, table: Array
) -> SSAValue:
    """The product by the same blocks, their columns delivered in another order."""
    structure = weight.structure
    assert isinstance(structure, BlockDiagonalAttr)
    name = weight.symbol
    symbol = None
    if not np.array_equal(order, np.arange(len(order))):
        symbol = builder.weight(order.astype(np.int64), f"{name}.order")
    ordered = BlockDiagonalAttr.of(structure.data_shape, structure.kind.data, symbol)
    affine = _affine(builder, weight, table)
    blocks = builder.weight(weight.array(builder.network.store), name, affine, ordered)
    return _located(builder.matmul(product.x, blocks, len(order)), product)


def hoisted(permute: PermuteOp, table: Array, builder: DigitalBuilder) -> SSAValue | None:
    """The operator before the permutation, after it instead: its constants are reordered. None if it mixes elements."""
    op = permute.x.owner
    if not isinstance(op, DigitalOp) or not op.is_a(*UNARY, *BINARY) or _users(permute.x) != 1 or len(op.outputs) != 1:
        return None
    shape = shape_of(op.outputs[0].type)
    activations = [i for i, v in enumerate(op.inputs) if not isinstance(v.owner, ConstantOp | ReadOp)]
    if len(activations) != 1 or shape is None or shape_of(op.inputs[activations[0]].type) != shape:
        return None
    inputs: list[SSAValue] = []
    for i, value in enumerate(op.inputs):
        array = None if i == activations[0] else constant_of(value, builder.network)
        if i == activations[0]:
            inputs.append(builder.permute(value, table, "order"))
        elif array is None or array.ndim > 1 or array.size == 1:
            if array is not None and array.ndim > 1 and array.size > 1:
                return None
            inputs.append(value)
        else:
            inputs.append(builder.constant(np.ascontiguousarray(array[table]), f"{value.name_hint or 'bias'}.ordered"))
    return _located(builder.add(DigitalOp(op.op_type.data, inputs, [permute.result.type], op.setting)), op)


def fold_into_users(permute: PermuteOp, table: Array, network: Network) -> bool:
    """Let multiplications after a permutation read what is before it, with reordered rows; whether one could."""
    changed = False
    for use in list(permute.result.uses):
        user = use.operation
        if isinstance(user, MatmulOp):
            new = _reordered_rows(user, permute.x, table, DigitalBuilder(network, user))
            if new is not None:
                replace(user, new)
                changed = True
    return changed


def _takes(table: Array, product: MatmulOp, builder: DigitalBuilder) -> bool:
    """Whether a product is made of a permutation by `table`."""
    permute = product.x.owner
    return isinstance(permute, PermuteOp) and np.array_equal(_table(permute, builder), table)


def _reordered_rows(user: MatmulOp, x: SSAValue, table: Array, builder: DigitalBuilder) -> SSAValue | None:
    weight = builder.network.weight(user.symbol)
    if not all(_takes(table, other, builder) for other in _products(weight, builder.network)):
        return None
    shape = shape_of(x.type)
    if not shape or shape[-1] < 0 or len(set(table.tolist())) != len(table):
        return None
    name, values = weight.symbol, weight.array(builder.network.store)
    if weight.structure is None:
        if zero_point_of(weight, builder.network) is not None and len(table) != shape[-1]:
            return None
        rows = np.zeros((shape[-1], values.shape[1]), values.dtype)
        rows[table] = values
        return builder.matmul(x, builder.weight(rows, f"{name}.ordered", weight.affine), values.shape[1])
    if not isinstance(weight.structure, BlockDiagonalAttr) or shape[-1] != len(table):
        return None
    return _reordered_blocks(user, x, table, weight, weight.structure, builder)


def _reordered_blocks(
    user: MatmulOp, x: SSAValue, table: Array, weight: WeightOp, structure: BlockDiagonalAttr, builder: DigitalBuilder
) -> SSAValue | None:
    """Blocks in another order, and rows in another order inside each; None where a row would change its block."""
    blocks, rows, columns = structure.data_shape
    sources = table.reshape(blocks, rows) // rows
    if (sources != sources[:, :1]).any():
        return None
    target = sources[:, 0]
    values = weight.array(builder.network.store)
    moved = np.zeros_like(values)
    moved[target[:, None], table.reshape(blocks, rows) - target[:, None] * rows] = values
    old = column_order(weight, builder.network)
    old = np.arange(blocks * columns) if old is None else old
    order = np.empty_like(old)
    order.reshape(blocks, columns)[target] = old.reshape(blocks, columns)
    symbol, name = None, weight.symbol
    if not np.array_equal(order, np.arange(len(order))):
        symbol = builder.weight(order.astype(np.int64), f"{name}.order")
    ordered = BlockDiagonalAttr.of(structure.data_shape, structure.kind.data, symbol)
    return builder.matmul(x, builder.weight(moved, f"{name}.ordered", weight.affine, ordered), len(order))


def _located(value: SSAValue, origin: Operation) -> SSAValue:
    """`value`, made by an operation that comes from the same ONNX node as `origin`."""
    assert isinstance(value.owner, Operation)
    value.owner.location = origin.location
    return value


def _affine(builder: DigitalBuilder, weight: WeightOp, table: Array) -> AffineAttr | None:
    """Scale and zero point of reordered columns."""
    network, name = builder.network, weight.symbol
    scale, zero = scale_of(weight, network), zero_point_of(weight, network)
    if scale is None:
        return None
    scales = SymbolRefAttr(builder.weight(np.ascontiguousarray(scale[table]), f"{name}.scale"))
    if zero is None:
        return AffineAttr(scales, NoneType())
    return AffineAttr(scales, SymbolRefAttr(builder.weight(np.ascontiguousarray(zero[table]), f"{name}.zero")))


def _is_structured(op: Operation, network: Network) -> bool:
    return isinstance(op, MatmulOp) and network.weight(op.symbol).structure is not None


def _products(weight: WeightOp, network: Network) -> list[MatmulOp]:
    """The multiplications by a weight."""
    symbol = weight.symbol
    found: list[MatmulOp] = []
    op = network.block.first_op
    while op is not None:  # asked for at every fold: faster than an iterator
        if type(op) is MatmulOp and op.symbol == symbol:
            found.append(op)
        op = op.next_op
    return found


def _table(permute: PermuteOp, builder: DigitalBuilder) -> Array:
    return builder.network.array(permute.symbol)


def _users(value: SSAValue) -> int:
    return len(list(value.uses))
