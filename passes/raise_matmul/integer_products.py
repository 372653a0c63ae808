"""`MatMulInteger` and `QLinearMatMul` with a constant weight, as `cim.matmul` and exact int32 corrections."""

import numpy as np
from xdsl.ir import SSAValue

from dialects.cim import DigitalOp
from dialects.element_types import element_type, f32, i8, i32, numpy_element, ui8
from dialects.network import Network
from passes.rewriting.constants import BYTES, ConstantMatrix, constant_matrix, constant_of
from passes.rewriting.digital import DigitalBuilder, check_vectors
from passes.rewriting.integer_products import IntegerWeight, corrected, integer_weight, is_per_tensor, optional


def raise_matmul_integer(op: DigitalOp, network: Network) -> SSAValue | None:
    """`MatMulInteger(A, B, zero_A, zero_B)` with constant B and zero_B."""
    inputs = list(op.inputs)
    weight = _constant_weight(op, inputs[1], optional(inputs, 3), network)
    zero_x = optional(inputs, 2)
    if weight is None or element_type(inputs[0].type) not in (ui8, i8) or not is_per_tensor(zero_x):
        return None
    matrix, w = weight
    check_vectors(op.inputs[0], len(w.values), op)
    builder = DigitalBuilder(network, op)
    symbol = matrix.symbol if w.values is matrix.values else None
    product = builder.matmul(inputs[0], symbol or builder.weight(w.values, f"{matrix.name}.int8"), w.values.shape[1])
    known = None if zero_x is None else constant_of(zero_x, network)
    if known is not None and not known.any():
        zero_x = None
    return corrected(builder, inputs[0], product, None if zero_x is None else builder.cast(zero_x, i32), w)


def raise_qlinear_matmul(op: DigitalOp, network: Network) -> SSAValue | None:
    """`QLinearMatMul(a, scale_a, zero_a, b, scale_b, zero_b, scale_y, zero_y)` with constant b and zero_b.

    ONNX Runtime computes `clip(round(float(acc) * (scale_a * scale_b / scale_y)) + zero_y)`, clipping before it rounds.
    """
    a, scale_a, zero_a, b, scale_b, zero_b, scale_y, zero_y = op.inputs
    weight = _constant_weight(op, b, zero_b, network)
    per_tensor = all(is_per_tensor(v) for v in (scale_a, zero_a, scale_y, zero_y))
    if weight is None or not per_tensor or element_type(scale_a.type) != f32 or element_type(a.type) not in (ui8, i8):
        return None
    matrix, w = weight
    check_vectors(op.inputs[0], len(w.values), op)
    builder = DigitalBuilder(network, op)
    symbol = matrix.symbol if w.values is matrix.values else None
    product = builder.matmul(a, symbol or builder.weight(w.values, f"{matrix.name}.int8"), w.values.shape[1])
    acc = corrected(builder, a, product, builder.cast(zero_a, i32), w)
    scale = builder.op("Mul", [scale_b, scale_a], scale_b.type)
    scale = builder.op("Div", [scale, scale_y], scale_b.type)
    floats = builder.elementwise("Mul", builder.cast(acc, f32), scale)
    return _requantised(builder, floats, zero_y, op)


def _requantised(builder: DigitalBuilder, floats: SSAValue, zero: SSAValue, op: DigitalOp) -> SSAValue:
    """`floats` clipped to what the output type can hold, rounded half to even, plus the zero point."""
    element = element_type(op.outputs[0].type)
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
    op: DigitalOp, b: SSAValue, zero: SSAValue | None, network: Network
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
