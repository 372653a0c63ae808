"""Integer weights, and the exact int32 corrections that zero points of a product need.

`sum (x - zx) (w - zw) = sum x w - zx * (sum w - K zw) - zw * sum x`, in integers modulo 2^32: with `x` from the
arrays' inputs, `w` int8, `zx` a zero point of the inputs, `zw` one of each column, K the rows of the weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from xdsl.dialects.builtin import NoneType
from xdsl.ir import SSAValue

from dialects.attributes.structure import BLOCK_DIAGONAL, BlockDiagonalAttr
from dialects.element_types import Array, i32
from dialects.network import shape_of
from dialects.semantics.weight_values import ordered
from passes.rewriting.constants.constant_tensors import ConstantTensor
from passes.rewriting.digital import DigitalBuilder, with_last


@dataclass(frozen=True)
class IntegerWeight:
    """int8 values [in, out] and the zero point of each column, int32 [out] (all 0 for None).

    A block-diagonal weight has values [blocks, rows, columns], and perhaps an `order` of its columns.
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
        return sums if self.zero_point is None else sums - np.int32(self.values.shape[-2]) * self.zero_point


def integer_weight(values: Array, zero_point: Array | None, name: str) -> IntegerWeight:
    """uint8 or int8 values with a zero point per column, as int8: moved by the zero point, or by 128 if need be.

    Blocks [blocks, rows, columns] have zero points [blocks * columns].
    """
    if values.dtype == np.int8 and zero_point is None:
        return IntegerWeight(values, None, name)
    columns = values.shape[-1] * (len(values) if values.ndim == 3 else 1)
    shape = (len(values), 1, -1) if values.ndim == 3 else (-1,)
    moved = values.astype(np.int16) - (0 if zero_point is None else zero_point.astype(np.int16).reshape(shape))
    if moved.min(initial=0) >= -128 and moved.max(initial=0) <= 127:
        return IntegerWeight(moved.astype(np.int8), None, name)
    if values.dtype == np.int8:
        return IntegerWeight(values, zero_point, name)
    zero = np.zeros(columns, np.int32) if zero_point is None else zero_point
    return IntegerWeight((values ^ 0x80).view(np.int8), zero - np.int32(128), name)


def integer_block_product(
    builder: DigitalBuilder, x: SSAValue, blocks: ConstantTensor, zero_x: SSAValue | None
) -> SSAValue:
    """Integers `x` times bytes [blocks, rows, columns] less their zero points, exactly; `zero_x` is int32 or absent."""
    count, _, columns = blocks.shape
    zero = None if blocks.zero_point is None else np.ascontiguousarray(blocks.zero_point[:, 0]).reshape(-1)
    w = integer_weight(np.ascontiguousarray(blocks.values), zero, blocks.name)
    if count == 1:
        w = replace(w, values=w.values[0])
        symbol = builder.weight(w.values, f"{blocks.name}.int8")
    else:
        structure = BlockDiagonalAttr.of(w.values.shape, BLOCK_DIAGONAL)
        symbol = builder.weight(w.values, f"{blocks.name}.blocks", structure=structure)
    return corrected(builder, x, builder.matmul(x, symbol, count * columns), zero_x, w)


def corrected(
    builder: DigitalBuilder, x: SSAValue, product: SSAValue, zero_x: SSAValue | None, w: IntegerWeight
) -> SSAValue:
    """The product of integers, int32, less what the zero points contribute (N15); `zero_x` is int32 or absent."""
    if zero_x is not None:
        product = without_zero_point(builder, product, zero_x, w.column_sums, w.name)
    if w.zero_point is not None and w.zero_point.any():
        product = builder.elementwise("Sub", product, _row_correction(builder, x, product, w, w.zero_point))
    return product


def without_zero_point(
    builder: DigitalBuilder, product: SSAValue, zero_x: SSAValue, column_sums: Array, name: str
) -> SSAValue:
    """A product less what the zero point of its inputs contributes (N15), by the sums of its weight's columns."""
    sums = builder.constant(column_sums, f"{name}.sums")
    shape = product.type if shape_of(zero_x.type) not in ((), (1,)) else sums.type
    return builder.elementwise("Sub", product, builder.op("Mul", [sums, zero_x], shape))


def _row_correction(
    builder: DigitalBuilder, x: SSAValue, product: SSAValue, w: IntegerWeight, zero_point: Array
) -> SSAValue:
    """`zero_point` of each column times the sum of the inputs that meet it, which are those of its block."""
    wide = builder.cast(x, i32)
    if w.values.ndim == 2:
        sums = builder.reduce_last("ReduceSum", wide)
        return builder.op("Mul", [sums, builder.constant(zero_point, f"{w.name}.zero")], product.type)
    blocks, rows, columns = w.values.shape
    leading = len(shape_of(x.type) or ()) - 1
    sums = builder.reduce_last("ReduceSum", builder.reshape_last(wide, leading, [blocks, rows]))
    by_block = zero_point if w.order is None else zero_point[w.order]
    zero = builder.constant(by_block.reshape(blocks, columns), f"{w.name}.zero")
    parts = builder.op("Mul", [sums, zero], with_last(sums.type, columns))
    parts = builder.reshape_last(parts, leading, [blocks * columns])
    return parts if w.order is None else builder.permute(parts, np.argsort(w.order), f"{w.name}.order")


def optional(inputs: Sequence[SSAValue], index: int) -> SSAValue | None:
    """The input of an operator at `index`, None where it is absent."""
    return inputs[index] if index < len(inputs) and not isinstance(inputs[index].type, NoneType) else None


def is_per_tensor(value: SSAValue | None) -> bool:
    """Whether a scale or zero point is one number (or absent)."""
    return value is None or shape_of(value.type) in ((), (1,))
