"""Reshapes and sums of the last axes of values, whether or not their rank is known."""

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, UnrankedTensorType, i64
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from dialects.element_types import element_type
from passes.rewriting.digital import DigitalBuilder


def with_last_axes(builder: DigitalBuilder, x: SSAValue, sizes: Sequence[int], replaced: int = 1) -> SSAValue:
    """`x` with `sizes` in place of its last axes, whatever its rank."""
    if isa(x.type, TensorType):
        return builder.reshape_last(x, x.type.get_num_dims() - replaced, sizes)
    last = builder.constant(np.array(sizes), "sizes")
    target = builder.op("Concat", [leading(builder, x, replaced), last], TensorType(i64, [DYNAMIC_INDEX]), axis=0)
    return builder.op("Reshape", [x, target], UnrankedTensorType(element_type(x.type)))


def leading(builder: DigitalBuilder, x: SSAValue, others: int) -> SSAValue:
    """The dimensions of `x` but for the last ones."""
    rank = x.type.get_num_dims() if isa(x.type, TensorType) else None
    shape = builder.op("Shape", [x], TensorType(i64, [DYNAMIC_INDEX if rank is None else rank]))
    start, end, axis = (builder.constant(np.array([n]), "slice") for n in (0, -others, 0))
    result_type = TensorType(i64, [DYNAMIC_INDEX if rank is None else rank - others])
    return builder.op("Slice", [shape, start, end, axis], result_type)


def sum_over(builder: DigitalBuilder, x: SSAValue, axis: int) -> SSAValue:
    """The sum over one axis, counted from the end, which goes."""
    result = UnrankedTensorType(element_type(x.type))
    if isa(x.type, TensorType):
        shape = list(x.type.get_shape())
        del shape[axis]
        result = TensorType(element_type(x.type), shape)
    if builder.opset >= 13:
        return builder.op("ReduceSum", [x, builder.constant(np.array([axis]), "axes")], result, keepdims=0)
    return builder.op("ReduceSum", [x], result, axes=[axis], keepdims=0)


def squeezed(builder: DigitalBuilder, x: SSAValue, axes: Sequence[int]) -> SSAValue:
    """`x`, of known rank, without some axes of size 1."""
    assert isa(x.type, TensorType)
    if not axes:
        return x
    rank = x.type.get_num_dims()
    gone = sorted(axis % rank for axis in axes)
    shape = [size for axis, size in enumerate(x.type.get_shape()) if axis not in gone]
    result = TensorType(x.type.element_type, shape)
    if builder.opset >= 13:
        return builder.op("Squeeze", [x, builder.constant(np.array(gone), "axes")], result)
    return builder.op("Squeeze", [x], result, axes=gone)
