"""`MatMulInteger` and `QLinearMatMul` with a constant weight, as `cim.matmul` and exact int32 corrections.

`sum (x - zx) (w - zw) = sum x w - zx * (sum w - K zw) - zw * sum x`, in integers modulo 2^32: with `x` from the
arrays' inputs, `w` int8, `zx` a zero point of the inputs, `zw` one of each column, K the rows of the weight.
"""

from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import ModuleOp, NoneType
from xdsl.ir import SSAValue

from dialects.cim import DigitalOp
from dialects.element_types import Array, element_type, f32, i8, i32, numpy_element, ui8
from dialects.network import shape_of, weights_of
from dialects.semantics.weight_values import ordered
from dialects.weights import WeightStore
from passes.rewriting.constants import BYTES, ConstantMatrix, constant_matrix, constant_of
from passes.rewriting.digital import DigitalBuilder, check_vectors


@dataclass(frozen=True)
class IntegerWeight:
    """int8 values [in, out] and the zero point of each column, int32 [out] (all 0 for None).

    A block-diagonal weight has values [blocks, rows, columns], no zero point, and perhaps an `order` of its columns.
    """

    values: Array
    zero_point: Array | None
    name: str = "weight"
    order: Array | None = None

    @property
    def columns(self) -> int:
        """Columns of the matrix."""
        return self.values.shape[-1] * (self.values.shape[0] if self.values.ndim == 3 else 1)

    @property
    def column_sums(self) -> Array:
        """`sum w - K zw` of each column, int32 [out]."""
        sums = self.values.sum(axis=-2, dtype=np.int32).reshape(-1)
        sums = ordered(sums, self.order)
        return sums if self.zero_point is None else sums - np.int32(len(self.values)) * self.zero_point


def integer_weight(values: Array, zero_point: Array | None, name: str) -> IntegerWeight:
    """uint8 or int8 values with a zero point per column, as int8: moved by the zero point, or by 128 if need be."""
    moved = values.astype(np.int16) - (0 if zero_point is None else zero_point.astype(np.int16))
    if zero_point is not None and moved.min(initial=0) >= -128 and moved.max(initial=0) <= 127:
        return IntegerWeight(moved.astype(np.int8), None, name)
    if values.dtype == np.int8:
        return IntegerWeight(values, zero_point, name)
    zero = np.zeros(values.shape[1], np.int32) if zero_point is None else zero_point
    return IntegerWeight((values ^ 0x80).view(np.int8), zero - np.int32(128), name)


def corrected(
    builder: DigitalBuilder, x: SSAValue, product: SSAValue, zero_x: SSAValue | None, w: IntegerWeight
) -> SSAValue:
    """The product of integers, int32, less what the zero points contribute; `zero_x` is int32 or absent."""
    if zero_x is not None:
        sums = builder.constant(w.column_sums, f"{w.name}.sums")
        shape = product.type if shape_of(zero_x.type) not in ((), (1,)) else sums.type
        product = builder.elementwise("Sub", product, builder.op("Mul", [sums, zero_x], shape))
    if w.zero_point is not None and w.zero_point.any():
        row_sums = builder.reduce_last("ReduceSum", builder.cast(x, i32))
        zero_w = builder.constant(w.zero_point, f"{w.name}.zero")
        product = builder.elementwise("Sub", product, builder.op("Mul", [row_sums, zero_w], product.type))
    return product


def raise_matmul_integer(op: DigitalOp, module: ModuleOp, store: WeightStore) -> SSAValue | None:
    """`MatMulInteger(A, B, zero_A, zero_B)` with constant B and zero_B."""
    weights, inputs = weights_of(module), list(op.inputs)
    weight = _constant_weight(op, inputs[1], optional(inputs, 3), module, store)
    zero_x = optional(inputs, 2)
    if weight is None or element_type(inputs[0].type) not in (ui8, i8) or not is_per_tensor(zero_x):
        return None
    matrix, w = weight
    check_vectors(op.inputs[0], len(w.values), op)
    builder = DigitalBuilder(module, store, op)
    symbol = matrix.symbol if w.values is matrix.values else None
    product = builder.matmul(inputs[0], symbol or builder.weight(w.values, f"{matrix.name}.int8"), w.values.shape[1])
    known = None if zero_x is None else constant_of(zero_x, weights, store)
    if known is not None and not known.any():
        zero_x = None
    return corrected(builder, inputs[0], product, None if zero_x is None else builder.cast(zero_x, i32), w)


def raise_qlinear_matmul(op: DigitalOp, module: ModuleOp, store: WeightStore) -> SSAValue | None:
    """`QLinearMatMul(a, scale_a, zero_a, b, scale_b, zero_b, scale_y, zero_y)` with constant b and zero_b.

    ONNX Runtime computes `clip(round(float(acc) * (scale_a * scale_b / scale_y)) + zero_y)`, clipping before it rounds.
    """
    a, scale_a, zero_a, b, scale_b, zero_b, scale_y, zero_y = op.inputs
    weight = _constant_weight(op, b, zero_b, module, store)
    per_tensor = all(is_per_tensor(v) for v in (scale_a, zero_a, scale_y, zero_y))
    if weight is None or not per_tensor or element_type(scale_a.type) != f32 or element_type(a.type) not in (ui8, i8):
        return None
    matrix, w = weight
    check_vectors(op.inputs[0], len(w.values), op)
    builder = DigitalBuilder(module, store, op)
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
    op: DigitalOp, b: SSAValue, zero: SSAValue | None, module: ModuleOp, store: WeightStore
) -> tuple[ConstantMatrix, IntegerWeight] | None:
    weights = weights_of(module)
    matrix = constant_matrix(b, weights, store)
    if matrix is None or matrix.scale is not None or matrix.values.dtype not in BYTES:
        return None
    known = None if zero is None else constant_of(zero, weights, store)
    if zero is not None and (known is None or known.size not in (1, matrix.values.shape[1])):
        return None
    columns = None if known is None else np.broadcast_to(known.reshape(-1).astype(np.int32), matrix.values.shape[1:])
    plain = columns is None or not columns.any()
    if plain and matrix.values.dtype == np.int8:
        return matrix, IntegerWeight(matrix.values, None, matrix.name)
    return matrix, integer_weight(matrix.values, columns, matrix.name)


def optional(inputs: list[SSAValue], index: int) -> SSAValue | None:
    """The input of an operator at `index`, None where it is absent."""
    return inputs[index] if index < len(inputs) and not isinstance(inputs[index].type, NoneType) else None


def is_per_tensor(value: SSAValue | None) -> bool:
    """Whether a scale or zero point is one number (or absent)."""
    return value is None or shape_of(value.type) in ((), (1,))
