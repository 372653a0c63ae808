"""The product that `MatMul` means, of an activation and a constant on either side and of any rank."""

from xdsl.ir import SSAValue

from dialects.network import shape_of
from passes.rewriting.constants.constants import constant_matrices
from passes.rewriting.contractions import batched_float_product
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.float_products import are_multiplied, sum_of_products


def float_product(builder: DigitalBuilder, a: SSAValue, b: SSAValue, *, with_blocks: bool = False) -> SSAValue | None:
    """`MatMul(a, b)` on arrays; None unless one of both is a constant of the other's float type.

    Products of each of several vectors with a matrix of its own are left to `detect-block-diagonal`, unless
    `with_blocks`.
    """
    right, left = (constant_matrices(value, builder.network) for value in (b, a))
    shape = shape_of(b.type)
    if right:
        return sum_of_products(builder, a, right) if are_multiplied(a, right) else None
    if left and shape and are_multiplied(b, left):
        transposed = [matrix.transposed() for matrix in left]
        if len(shape) == 1:
            return sum_of_products(builder, b, transposed)
        order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
        return builder.transpose(sum_of_products(builder, builder.transpose(b, order), transposed), order)
    return batched_float_product(builder, a, b, with_blocks=with_blocks)
