"""Products of floats by constant matrices, dense or one a block of each vector, by their integers if they have any."""

from collections.abc import Sequence
from functools import partial, reduce

import numpy as np
from xdsl.ir import SSAValue

from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import BLOCK_DIAGONAL, ROW_GROUPS, BlockDiagonalAttr
from dialects.element_types import Array, element_type, numpy_element
from dialects.weights import Remake
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.constants.constants import ConstantMatrix, is_float
from passes.rewriting.constants.scaled_blocks import scaled_blocks
from passes.rewriting.digital import DigitalBuilder, check_vectors
from passes.rewriting.scaled_products import ScaledProduct


def matrix_product(builder: DigitalBuilder, x: SSAValue, matrix: ConstantMatrix) -> SSAValue:
    """`x` times a matrix of its type."""
    columns = matrix.values.shape[1]
    check_vectors(x, len(matrix.values), builder.anchor)
    if matrix.scale is None:
        symbol = matrix.symbol or builder.weight(matrix.values, matrix.name, again=matrix.again)
        return builder.matmul(x, symbol, columns)
    grid = (
        None if a is None else np.broadcast_to(a, matrix.values.shape)[None] for a in (matrix.scale, matrix.zero_point)
    )
    return block_product(builder, x, ConstantTensor(matrix.values[None], matrix.name, None, *grid))


def block_product(
    builder: DigitalBuilder, x: SSAValue, blocks: ConstantTensor, again: Remake | None = None
) -> SSAValue:
    """`x` times blocks [blocks, rows, columns], by their integers where they have any; a single block is dense.

    `again` makes the blocks once more, if they take no memory in between.
    """
    (count, rows, _), name = blocks.shape, blocks.name
    if blocks.scale is None:
        return _stored_product(builder, x, blocks.values, f"{name}.{'matrix' if count == 1 else 'blocks'}", again=again)
    plan = scaled_blocks(blocks)
    if plan is None:
        return _stored_product(builder, x, blocks.numbers(), f"{name}.float")
    scale = builder.weight(plan.scale.reshape(-1), f"{name}.scale")
    zero = None if plan.zero_point is None else builder.weight(plan.zero_point.reshape(-1), f"{name}.zero")
    kind = ROW_GROUPS if count == 1 and plan.groups > 1 else BLOCK_DIAGONAL
    multiply = partial(_stored, builder, plan.values, f"{name}.int8", AffineAttr.of(scale, zero), kind)
    return ScaledProduct(builder, plan, count, rows, name).of(x, multiply)


def _stored(builder: DigitalBuilder, blocks: Array, name: str, affine: AffineAttr, kind: str, x: SSAValue) -> SSAValue:
    return _stored_product(builder, x, blocks, name, affine, kind=kind)


def _stored_product(
    builder: DigitalBuilder,
    x: SSAValue,
    blocks: Array,
    name: str,
    affine: AffineAttr | None = None,
    again: Remake | None = None,
    kind: str = BLOCK_DIAGONAL,
) -> SSAValue:
    """`x` times blocks [blocks, rows, columns] as they are; a single block is a dense weight."""
    count, _, columns = blocks.shape
    blocks = np.ascontiguousarray(blocks)
    if count == 1:
        single = None if again is None else partial(_first_again, again)
        return builder.matmul(x, builder.weight(blocks[0], name, affine, again=single), columns)
    structure = BlockDiagonalAttr.of(blocks.shape, kind)
    return builder.matmul(x, builder.weight(blocks, name, affine, structure, again), count * columns)


def _first_again(blocks: Remake) -> Array:
    return blocks()[0]


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
