"""Products of floats by constant matrices, dense or one a block of each vector, by their integers if they have any."""

from collections.abc import Sequence
from functools import partial, reduce

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, NoneType, SymbolRefAttr, TensorType, i64
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import BLOCK_DIAGONAL, BlockDiagonalAttr
from dialects.element_types import Array, element_type, numpy_element
from dialects.weights import Remake
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.constants.constants import BYTES, ConstantMatrix, is_float
from passes.rewriting.constants.scaled_blocks import scaled_blocks
from passes.rewriting.digital import DigitalBuilder, check_vectors, with_last
from passes.rewriting.last_axes import leading, sum_over, with_last_axes


def matrix_product(builder: DigitalBuilder, x: SSAValue, matrix: ConstantMatrix) -> SSAValue:
    """`x` times a matrix of its type."""
    columns = matrix.values.shape[1]
    check_vectors(x, len(matrix.values), builder.anchor)
    if matrix.scale is None:
        symbol = matrix.symbol or builder.weight(matrix.values, matrix.name, again=matrix.again)
        return builder.matmul(x, symbol, columns)
    scale, zero = matrix.per_column(matrix.scale), matrix.per_column(matrix.zero_point)
    is_plain = scale is not None and (matrix.zero_point is None or zero is not None)
    if scale is not None and is_plain and matrix.values.dtype in BYTES:
        return builder.matmul(x, _affine_weight(builder, matrix, scale, zero), columns)
    grid = (
        None if a is None else np.broadcast_to(a, matrix.values.shape)[None] for a in (matrix.scale, matrix.zero_point)
    )
    return block_product(builder, x, ConstantTensor(matrix.values[None], matrix.name, None, *grid))


def _affine_weight(builder: DigitalBuilder, matrix: ConstantMatrix, scale: Array, zero: Array | None) -> str:
    """The int8 weight that stands for a dequantised matrix; uint8 is moved by 128, its zero point too."""
    values = matrix.values
    if values.dtype == np.uint8:
        values = (values ^ 0x80).view(np.int8)
        zero = (np.zeros(values.shape[1], np.int32) if zero is None else zero) - np.int32(128)
    scale_symbol = SymbolRefAttr(builder.weight(scale, f"{matrix.name}.scale"))
    zero_symbol = NoneType()
    if zero is not None and zero.any():
        zero_symbol = SymbolRefAttr(builder.weight(zero, f"{matrix.name}.zero"))
    return builder.weight(values, f"{matrix.name}.int8", AffineAttr(scale_symbol, zero_symbol))


def block_product(
    builder: DigitalBuilder, x: SSAValue, blocks: ConstantTensor, again: Remake | None = None
) -> SSAValue:
    """`x` times blocks [blocks, rows, columns], by their integers where they have any; a single block is dense.

    `again` makes the blocks once more, if they take no memory in between.
    """
    count, rows, columns = blocks.shape
    name = blocks.name
    if blocks.scale is None:
        return stored_product(builder, x, blocks.values, f"{name}.{'matrix' if count == 1 else 'blocks'}", again=again)
    plan = scaled_blocks(blocks)
    if plan is None:
        return stored_product(builder, x, blocks.numbers(), f"{name}.float")
    if plan.rows is not None:
        x = builder.elementwise("Mul", x, builder.constant(plan.rows.reshape(-1), f"{name}.rows"))
    missing = plan.groups * plan.values.shape[1] - rows
    if missing:
        x = _filled(builder, x, count, rows, missing)
    scale = builder.weight(plan.scale.reshape(-1), f"{name}.scale")
    zero = None if plan.zero_point is None else builder.weight(plan.zero_point.reshape(-1), f"{name}.zero")
    affine = AffineAttr.of(scale, zero)
    y = stored_product(builder, x, plan.values, f"{name}.int8", affine)
    if plan.offset is not None:
        y = _less_offset(builder, x, plan.values.shape[1], y, plan.offset, f"{name}.offset")
    if plan.groups == 1:
        return y
    parts = with_last_axes(builder, y, [plan.groups, columns] if count == 1 else [count, plan.groups, columns])
    total = sum_over(builder, parts, -2)
    return total if count == 1 else with_last_axes(builder, total, [count * columns], replaced=2)


def stored_product(
    builder: DigitalBuilder,
    x: SSAValue,
    blocks: Array,
    name: str,
    affine: AffineAttr | None = None,
    again: Remake | None = None,
) -> SSAValue:
    """`x` times blocks [blocks, rows, columns] as they are; a single block is a dense weight."""
    count, _, columns = blocks.shape
    blocks = np.ascontiguousarray(blocks)
    if count == 1:
        single = None if again is None else partial(_first_again, again)
        return builder.matmul(x, builder.weight(blocks[0], name, affine, again=single), columns)
    structure = BlockDiagonalAttr.of(blocks.shape, BLOCK_DIAGONAL)
    return builder.matmul(x, builder.weight(blocks, name, affine, structure, again), count * columns)


def _first_again(blocks: Remake) -> Array:
    return blocks()[0]


def _filled(builder: DigitalBuilder, x: SSAValue, blocks: int, rows: int, missing: int) -> SSAValue:
    """`x` with zeros after each block's rows."""
    if blocks == 1 and isa(x.type, TensorType):
        return builder.pad_last(x, missing)
    parts = with_last_axes(builder, x, [blocks, rows])
    shape = leading(builder, parts, 1)
    count = builder.constant(np.array([missing]), "missing")
    target = builder.op("Concat", [shape, count], TensorType(i64, [DYNAMIC_INDEX]), axis=0)
    zeros = builder.op("ConstantOfShape", [target], with_last(parts.type, missing))
    zeros = builder.cast(zeros, element_type(x.type))
    filled = builder.op("Concat", [parts, zeros], with_last(parts.type, rows + missing), axis=-1)
    return with_last_axes(builder, filled, [blocks * (rows + missing)], replaced=2)


def _less_offset(builder: DigitalBuilder, x: SSAValue, rows: int, y: SSAValue, offset: Array, name: str) -> SSAValue:
    """`y` less `offset` [blocks, columns] times the sum of each block's inputs, of which there are `rows`."""
    blocks, columns = offset.shape
    if blocks == 1:
        sums = builder.reduce_last("ReduceSum", x)
        return builder.elementwise("Sub", y, builder.op("Mul", [sums, builder.constant(offset[0], name)], y.type))
    sums = builder.reduce_last("ReduceSum", with_last_axes(builder, x, [blocks, rows]))
    parts = with_last_axes(builder, y, [blocks, columns])
    parts = builder.elementwise("Sub", parts, builder.op("Mul", [sums, builder.constant(offset, name)], parts.type))
    return with_last_axes(builder, parts, [blocks * columns], replaced=2)


def are_multiplied(x: SSAValue, factors: Sequence[ConstantMatrix | ConstantTensor]) -> bool:
    """Whether `x`, of floats, has the type of the numbers that constants stand for."""
    dtype = numpy_element(element_type(x.type))
    numbers = [factor.values if factor.scale is None else factor.scale for factor in factors]
    return is_float(x) and bool(numbers) and all(array.dtype == dtype for array in numbers)


def sum_of_products(builder: DigitalBuilder, x: SSAValue, matrices: Sequence[ConstantMatrix]) -> SSAValue:
    """`x` times the sum of matrices of its type."""
    return added(builder, [matrix_product(builder, x, matrix) for matrix in matrices])


def added(builder: DigitalBuilder, values: Sequence[SSAValue]) -> SSAValue:
    """The sum of values of one shape."""
    return reduce(lambda total, value: builder.elementwise("Add", total, value), values)
