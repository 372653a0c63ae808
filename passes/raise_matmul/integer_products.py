"""`MatMulInteger` and `QLinearMatMul` with a constant weight, as `cim.matmul` and exact int32 corrections."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.cim import DigitalOp
from dialects.element_types import Array, element_type, f32, i8, i32, numpy_element, ui8
from dialects.network import Network, shape_of
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.constants.constants import BYTES, ConstantMatrix, constant_factors, constant_matrix, constant_of
from passes.rewriting.contractions import batched_product, contract
from passes.rewriting.digital import DigitalBuilder, check_vectors
from passes.rewriting.integer_products import (
    IntegerWeight,
    corrected,
    integer_block_product,
    integer_weight,
    is_per_tensor,
    optional,
)
from passes.rewriting.last_axes import squeezed


@dataclass(frozen=True)
class Factor:
    """A factor of a product of integers, with its zero point, which may be absent."""

    value: SSAValue
    zero: SSAValue | None


@dataclass(frozen=True)
class RaiseMatMulInteger(RewritePattern):
    """`MatMulInteger(A, B, zero_A, zero_B)` of which one factor is constant, with its zero point."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("MatMulInteger"):
            return
        factors = (Factor(op.inputs[i], optional(op.inputs, i + 2)) for i in range(2))
        y = integer_product(DigitalBuilder(self.network, op), *factors)
        if y is not None:
            rewriter.replace(op, (), [y])


@dataclass(frozen=True)
class RaiseQLinearMatMul(RewritePattern):
    """`QLinearMatMul(a, scale_a, zero_a, b, scale_b, zero_b, scale_y, zero_y)` of which one factor is constant.

    ONNX Runtime computes `clip(round(float(acc) * (scale_a * scale_b / scale_y)) + zero_y)`, clipping before it rounds.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("QLinearMatMul"):
            return
        a, scale_a, zero_a, b, scale_b, zero_b, scale_y, zero_y = op.inputs
        per_tensor = all(is_per_tensor(v) for v in (scale_a, zero_a, scale_y, zero_y))
        if not per_tensor or element_type(scale_a.type) != f32:
            return
        builder = DigitalBuilder(self.network, op)
        acc = integer_product(builder, Factor(a, zero_a), Factor(b, zero_b))
        if acc is None:
            return
        scale = builder.op("Mul", [scale_b, scale_a], scale_b.type)
        scale = builder.op("Div", [scale, scale_y], scale_b.type)
        floats = builder.elementwise("Mul", builder.cast(acc, f32), scale)
        rewriter.replace(op, (), [requantised(builder, floats, zero_y, element_type(op.outputs[0].type))])


def integer_product(builder: DigitalBuilder, a: Factor, b: Factor) -> SSAValue | None:
    """The int32 product of bytes less their zero points, one factor constant; None where there is no such.

    Zero points of the other factor are one number.
    """
    for x, w, is_left in ((a, b, False), (b, a, True)):
        if element_type(x.value.type) not in (ui8, i8) or not is_per_tensor(x.zero):
            continue
        weight = None if is_left else _constant_weight(w, builder.network)
        if weight is not None:
            matrix, integers = weight
            product = _product(builder, x.value, matrix, integers)
            return corrected(builder, x.value, product, _zero_of(builder, x), integers)
        y = _batched(builder, x, w, is_left)
        if y is not None:
            return y
    return None


def _zero_of(builder: DigitalBuilder, x: Factor) -> SSAValue | None:
    """The zero point of a factor as int32; None where it is known to be 0."""
    known = None if x.zero is None else constant_of(x.zero, builder.network)
    if x.zero is None or (known is not None and not known.any()):
        return None
    return builder.cast(x.zero, i32)


def _batched(builder: DigitalBuilder, x: Factor, w: Factor, is_left: bool) -> SSAValue | None:
    """The product by a constant of any number of axes."""
    shape, tensor = shape_of(x.value.type), _constant_tensor(w, builder.network, is_left)
    plan = batched_product(shape, tensor.shape, is_left) if shape and tensor is not None else None
    if plan is None or tensor is None:
        return None
    vectors = squeezed(builder, x.value, plan.x_squeezed)
    tensor = tensor.moved(lambda array: array.squeeze(plan.w_squeezed))
    return contract(builder, vectors, tensor, plan.axes, partial(integer_block_product, zero_x=_zero_of(builder, x)))


def _constant_tensor(w: Factor, network: Network, is_left: bool) -> ConstantTensor | None:
    """Constant bytes with their zero point in the same shape: one number, one a column (a row on the left), or as many
    as `w` has of these.
    """
    factors = constant_factors(w.value, network)
    if len(factors) != 1 or factors[0].scale is not None or factors[0].values.dtype not in BYTES:
        return None
    (tensor,) = factors
    if w.zero is None:
        return tensor
    zero = constant_of(w.zero, network)
    if zero is None:
        return None
    zero = zero.astype(np.int32)
    if zero.size == 1:
        zero = zero.reshape(())
    elif is_left and zero.ndim == 1:
        zero = zero.reshape(-1, 1)
    summed = -1 if is_left or len(tensor.shape) == 1 else -2
    if zero.ndim and (len(tensor.shape) < 2 or zero.ndim > len(tensor.shape) or _size(zero, summed) != 1):
        return None
    try:
        return ConstantTensor(tensor.values, tensor.name, zero_point=np.broadcast_to(zero, tensor.shape))
    except ValueError:
        return None


def _size(array: Array, axis: int) -> int:
    return array.shape[axis] if array.ndim >= -axis else 1


def _product(builder: DigitalBuilder, x: SSAValue, matrix: ConstantMatrix, w: IntegerWeight) -> SSAValue:
    """`x` times integers, which are those of `matrix` or made of them."""
    check_vectors(x, len(w.values), builder.anchor)
    symbol = matrix.symbol if w.values is matrix.values else None
    return builder.matmul(x, symbol or builder.weight(w.values, f"{matrix.name}.int8"), w.values.shape[1])


def requantised(builder: DigitalBuilder, floats: SSAValue, zero: SSAValue, element: Attribute) -> SSAValue:
    """`floats` clipped to what the element type can hold, rounded half to even, plus the zero point."""
    dtype = numpy_element(element)
    assert dtype is not None
    limits = np.iinfo(dtype)
    offset = builder.cast(zero, f32)
    low, high = (builder.constant(np.array(v, np.float32), "limit") for v in (limits.min, limits.max))
    low, high = (builder.op("Sub", [v, offset], low.type) for v in (low, high))
    above = builder.op("Max", [floats, low], floats.type)
    within = builder.op("Min", [above, high], floats.type)
    rounded = builder.op("Round", [within], floats.type)
    return builder.cast(builder.elementwise("Add", rounded, offset), element)


def _constant_weight(w: Factor, network: Network) -> tuple[ConstantMatrix, IntegerWeight] | None:
    """A matrix of bytes with a zero point per column, known both."""
    matrix = constant_matrix(w.value, network)
    if matrix is None or matrix.scale is not None or matrix.values.dtype not in BYTES:
        return None
    known = None if w.zero is None else constant_of(w.zero, network)
    if w.zero is not None and (known is None or known.size not in (1, matrix.values.shape[1])):
        return None
    columns = None if known is None else np.broadcast_to(known.reshape(-1).astype(np.int32), matrix.values.shape[1:])
    plain = columns is None or not columns.any()
    if plain and matrix.values.dtype == np.int8:
        return matrix, IntegerWeight(matrix.values, None, matrix.name)
    return matrix, integer_weight(matrix.values, columns, matrix.name)
