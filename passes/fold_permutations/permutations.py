"""How a permutation of vectors is folded into the multiplication before it, the one after it, or moved past a bias."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from xdsl.dialects.builtin import NoneType, SymbolRefAttr
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import BlockDiagonalAttr
from dialects.cim import ConstantOp, DigitalOp, MatmulOp, PermuteOp, ReadOp, WeightOp
from dialects.element_types import Array
from dialects.network import Network, shape_of
from dialects.semantics.weight_values import column_order, scale_of, zero_point_of
from passes.rewriting.constants.constants import constant_of
from passes.rewriting.digital import DigitalBuilder

UNARY = (
    *("Abs", "Cast", "Ceil", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log"),
    *("Mish", "Neg", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Softplus", "Sqrt", "Tanh"),
)
BINARY = ("Add", "Sub", "Mul", "Div", "Pow", "Min", "Max")
"""Operators that treat every element alike: they may change places with a permutation."""


@dataclass(frozen=True)
class FoldIntoProducer(RewritePattern):
    """The product with reordered columns, where nobody else uses the product in its old order.

    Columns of blocks that the permutation drops come last, and are cut off.
    A weight of several products is reordered if all of them want the same order, for else it would be stored twice.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter, /) -> None:
        product = op.x.owner
        if not isinstance(product, MatmulOp) or _users(op.x) != 1:
            return
        weight, table = self.network.weight(product.symbol), self.network.array(op.symbol)
        builder = DigitalBuilder(self.network, op)
        # Itself first: whether another product stands in the way takes a look at all operations.
        if not all(_gives(table, other, builder) for other in chain((product,), _products(weight, self.network))):
            return
        if weight.structure is None:
            values = np.ascontiguousarray(weight.array(self.network.store)[:, table])
            symbol = builder.weight(values, f"{weight.symbol}.ordered", _affine(builder, weight, table))
            new = _located(builder.matmul(product.x, symbol, len(table)), product)
            rewriter.replace(op, (), [new])
        elif isinstance(weight.structure, BlockDiagonalAttr) and len(set(table.tolist())) == len(table):
            rewriter.replace(op, (), [_product_of_columns(builder, product, weight, table)])


def _product_of_columns(builder: DigitalBuilder, product: MatmulOp, weight: WeightOp, table: Array) -> SSAValue:
    """The columns `table` of a product by blocks."""
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


@dataclass(frozen=True)
class HoistOperator(RewritePattern):
    """The operator before a permutation comes after it, its constants reordered, unless it mixes elements."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter, /) -> None:
        before = op.x.owner
        if not isinstance(before, DigitalOp) or not before.is_a(*UNARY, *BINARY) or _users(op.x) != 1:
            return
        activations = [v for v in before.inputs if not isinstance(v.owner, ConstantOp | ReadOp)]
        shape = shape_of(op.x.type)
        if len(activations) != 1 or len(before.outputs) != 1 or shape is None:
            return
        if shape_of(activations[0].type) != shape:
            return
        arrays = [constant_of(value, self.network) for value in before.inputs]
        if any(array is not None and array.ndim > 1 and array.size > 1 for array in arrays):
            return
        builder, table = DigitalBuilder(self.network, op), self.network.array(op.symbol)
        inputs = [
            builder.permute(value, table, "order") if array is None else _reordered(builder, value, array, table)
            for value, array in zip(before.inputs, arrays)
        ]
        moved = builder.add(DigitalOp(before.op_type.data, inputs, [op.result.type], before.setting))
        rewriter.replace(op, (), [_located(moved, before)])


def _reordered(builder: DigitalBuilder, value: SSAValue, array: Array, table: Array) -> SSAValue:
    """A constant of an operator that treats every element alike, after a permutation."""
    if array.ndim != 1 or array.size == 1:
        return value
    return builder.constant(np.ascontiguousarray(array[table]), f"{value.name_hint or 'bias'}.ordered")


@dataclass(frozen=True)
class FoldIntoUsers(RewritePattern):
    """Multiplications after a permutation read what is before it, with reordered rows, where they can."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PermuteOp, rewriter: PatternRewriter, /) -> None:
        table = self.network.array(op.symbol)
        for user in [use.operation for use in op.result.uses]:
            if isinstance(user, MatmulOp):
                new = _reordered_rows(user, op.x, table, DigitalBuilder(self.network, user))
                if new is not None:
                    rewriter.replace(user, (), [new])


def _takes(table: Array, product: MatmulOp, builder: DigitalBuilder) -> bool:
    """Whether a product is made of a permutation by `table`."""
    permute = product.x.owner
    return isinstance(permute, PermuteOp) and np.array_equal(_table(permute, builder), table)


def _reordered_rows(user: MatmulOp, x: SSAValue, table: Array, builder: DigitalBuilder) -> SSAValue | None:
    weight, shape = builder.network.weight(user.symbol), shape_of(x.type)
    if not shape or shape[-1] < 0 or not _can_reorder(weight, table, shape[-1], builder.network):
        return None
    if not all(_takes(table, other, builder) for other in _products(weight, builder.network)):
        return None
    if isinstance(weight.structure, BlockDiagonalAttr):
        return _reordered_blocks(x, table, weight, weight.structure, builder)
    values = weight.array(builder.network.store)
    rows = np.zeros((shape[-1], values.shape[1]), values.dtype)
    rows[table] = values
    return builder.matmul(x, builder.weight(rows, f"{weight.symbol}.ordered", weight.affine), values.shape[1])


def _can_reorder(weight: WeightOp, table: Array, rows: int, network: Network) -> bool:
    """Whether the rows of a weight can be reordered for vectors of `rows` elements: none may change its block."""
    structure = weight.structure
    if structure is None:
        if zero_point_of(weight, network) is not None and len(table) != rows:
            return False
    elif not isinstance(structure, BlockDiagonalAttr) or rows != len(table):
        return False
    else:
        sources = _sources(table, structure)
        if (sources != sources[:, :1]).any():
            return False
    return len(set(table.tolist())) == len(table)


def _sources(table: Array, structure: BlockDiagonalAttr) -> Array:
    """The block that each row of each block comes from: [blocks, rows]."""
    blocks, rows, _ = structure.data_shape
    return table.reshape(blocks, rows) // rows


def _reordered_blocks(
    x: SSAValue, table: Array, weight: WeightOp, structure: BlockDiagonalAttr, builder: DigitalBuilder
) -> SSAValue:
    """Blocks in another order, and rows in another order inside each."""
    blocks, rows, columns = structure.data_shape
    target = _sources(table, structure)[:, 0]
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


def _products(weight: WeightOp, network: Network) -> Iterator[MatmulOp]:
    """The multiplications by a weight, looked for among all operations."""
    symbol = weight.symbol
    for block in network.blocks:
        op = block.first_op
        while op is not None:  # asked for at every fold: faster than an iterator of the block's
            if type(op) is MatmulOp and op.symbol == symbol:
                yield op
            op = op.next_op


def _table(permute: PermuteOp, builder: DigitalBuilder) -> Array:
    return builder.network.array(permute.symbol)


def _users(value: SSAValue) -> int:
    return len(list(value.uses))
