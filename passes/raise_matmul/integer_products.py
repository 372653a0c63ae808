"""`MatMulInteger` and `QLinearMatMul` with a constant weight, as `cim.matmul` and exact int32 corrections."""

from dataclasses import dataclass

import numpy as np
from xdsl.ir import Attribute, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from dialects.cim import DigitalOp
from dialects.element_types import element_type, f32, i8, i32, numpy_element, ui8
from dialects.network import Network
from passes.rewriting.constants import BYTES, ConstantMatrix, constant_matrix, constant_of
from passes.rewriting.digital import DigitalBuilder, check_vectors
from passes.rewriting.integer_products import IntegerWeight, corrected, integer_weight, is_per_tensor, optional


@dataclass(frozen=True)
class RaiseMatMulInteger(RewritePattern):
    """`MatMulInteger(A, B, zero_A, zero_B)` with constant B and zero_B."""

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("MatMulInteger"):
            return
        x, zero_x = op.inputs[0], optional(op.inputs, 2)
        weight = _constant_weight(op.inputs[1], optional(op.inputs, 3), self.network)
        if weight is None or element_type(x.type) not in (ui8, i8) or not is_per_tensor(zero_x):
            return
        matrix, w = weight
        builder = DigitalBuilder(self.network, op)
        product = _product(builder, x, matrix, w)
        known = None if zero_x is None else constant_of(zero_x, self.network)
        needed = zero_x is not None and (known is None or known.any())
        zero = builder.cast(zero_x, i32) if zero_x is not None and needed else None
        rewriter.replace(op, (), [corrected(builder, x, product, zero, w)])


@dataclass(frozen=True)
class RaiseQLinearMatMul(RewritePattern):
    """`QLinearMatMul(a, scale_a, zero_a, b, scale_b, zero_b, scale_y, zero_y)` with constant b and zero_b.

    ONNX Runtime computes `clip(round(float(acc) * (scale_a * scale_b / scale_y)) + zero_y)`, clipping before it rounds.
    """

    network: Network

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DigitalOp, rewriter: PatternRewriter, /) -> None:
        if not op.is_a("QLinearMatMul"):
            return
        a, scale_a, zero_a, b, scale_b, zero_b, scale_y, zero_y = op.inputs
        weight = _constant_weight(b, zero_b, self.network)
        per_tensor = all(is_per_tensor(v) for v in (scale_a, zero_a, scale_y, zero_y))
        if weight is None or not per_tensor or element_type(scale_a.type) != f32:
            return
        if element_type(a.type) not in (ui8, i8):
            return
        matrix, w = weight
        builder = DigitalBuilder(self.network, op)
        acc = corrected(builder, a, _product(builder, a, matrix, w), builder.cast(zero_a, i32), w)
        scale = builder.op("Mul", [scale_b, scale_a], scale_b.type)
        scale = builder.op("Div", [scale, scale_y], scale_b.type)
        floats = builder.elementwise("Mul", builder.cast(acc, f32), scale)
        rewriter.replace(op, (), [requantised(builder, floats, zero_y, element_type(op.outputs[0].type))])


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


def _constant_weight(
    b: SSAValue, zero: SSAValue | None, network: Network
) -> tuple[ConstantMatrix, IntegerWeight] | None:
    matrix = constant_matrix(b, network)
    if matrix is None or matrix.scale is not None or matrix.values.dtype not in BYTES:
        return None
    known = None if zero is None else constant_of(zero, network)
    if zero is not None and (known is None or known.size not in (1, matrix.values.shape[1])):
        return None
    columns = None if known is None else np.broadcast_to(known.reshape(-1).astype(np.int32), matrix.values.shape[1:])
    plain = columns is None or not columns.any()
    if plain and matrix.values.dtype == np.int8:
        return matrix, IntegerWeight(matrix.values, None, matrix.name)
    return matrix, integer_weight(matrix.values, columns, matrix.name)
