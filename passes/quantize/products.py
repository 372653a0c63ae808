"""Products of quantised activations by quantised weights: what arrays multiply, and what is left to do digitally."""

from dataclasses import replace

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import SSAValue

from dialects.chip.formats import MOST_BITS
from dialects.cim import MatmulOp
from dialects.element_types import f32
from dialects.errors import UserError
from dialects.locations import node_name
from dialects.network import shape_of
from passes.quantize.activations import Activation
from passes.quantize.analysis.grids import Numbers
from passes.quantize.float_weights import StoredIntegers
from passes.rewriting.digital import DigitalBuilder, with_last
from passes.rewriting.integer_products import without_zero_point
from passes.rewriting.last_axes import sum_over, with_last_axes

_LARGEST_SCALE = float(np.finfo(np.float32).max) / 2**32
"""Of a group: times an int32, and less what zero points contribute, it is a float32."""


def quantised_product(builder: DigitalBuilder, x: Activation, w: StoredIntegers, name: str) -> SSAValue:
    """`x` times a weight, both quantised, in float32; constants are called after `name`."""
    if w.groups > 1:
        return _sum_of_groups(builder, x, w, name)
    scale = builder.constant(w.scales[0], f"{name}.scale")
    acc = accumulated(builder, x, w.symbol, w.columns)
    if x.zero is not None:
        acc = without_zero_point(builder, acc, x.zero, w.sums[0], w.symbol)
    return scaled(builder, acc, x, scale, w.columns)


def accumulated(builder: DigitalBuilder, x: Activation, symbol: str, columns: int) -> SSAValue:
    """The integers of `x` times those of `@symbol`, int32."""
    acc = builder.matmul(x.values, symbol, columns)
    acc.name_hint = "acc"
    if x.bits < MOST_BITS:
        assert isinstance(acc.owner, MatmulOp)
        acc.owner.input_bits = IntegerAttr(x.bits, i64)
    return acc


def scaled(builder: DigitalBuilder, acc: SSAValue, x: Activation, scale: SSAValue, columns: int) -> SSAValue:
    """Integers of so many columns times the scales of both factors, float32; `scale` has one for each column."""
    factor_type = with_last(x.scale.type, columns) if shape_of(x.scale.type) != () else scale.type
    factor = builder.op("Mul", [x.scale, scale], factor_type)
    return builder.elementwise("Mul", builder.cast(acc, f32), factor)


def _sum_of_groups(builder: DigitalBuilder, x: Activation, w: StoredIntegers, name: str) -> SSAValue:
    """The products of groups of rows, each times its scale, added up (N12).

    What the zero point of `x` contributes is subtracted from the sum, and the scale of `x` multiplies it, once for all.
    """
    largest = float(abs(w.scales).max())
    if largest > _LARGEST_SCALE:
        raise UserError(
            f"node {node_name(builder.anchor)!r}: weight @{name} has scales up to {largest:.3g}, so that float32 may "
            f"not hold the products of its groups: expected scales up to {_LARGEST_SCALE:.3g}, or weight-group=column"
        )
    if w.rows is not None:
        x = replace(x, values=_filled(builder, x.values, w.rows, name))
    acc = accumulated(builder, x, w.symbol, w.groups * w.columns)
    parts = builder.cast(acc, f32)
    parts = builder.elementwise("Mul", parts, builder.constant(w.scales.reshape(-1), f"{name}.scale"))
    total = sum_over(builder, with_last_axes(builder, parts, [w.groups, w.columns]), -2)
    if x.zero is not None:
        of_zero = (w.scales.astype(np.float64) * w.sums).sum(axis=0).astype(np.float32)
        sums = builder.constant(of_zero, f"{name}.sums")
        zero = builder.cast(x.zero, f32)
        shape = sums.type if shape_of(zero.type) in ((), (1,)) else total.type
        total = builder.elementwise("Sub", total, builder.op("Mul", [zero, sums], shape))
    return builder.elementwise("Mul", total, x.scale)


def _filled(builder: DigitalBuilder, x: SSAValue, rows: Numbers, name: str) -> SSAValue:
    """Vectors with an element for each of `rows`: further ones meet zeros, so they may be any."""
    shape = shape_of(x.type)
    if shape and shape[-1] > 0 and np.array_equal(rows[: shape[-1]], np.arange(shape[-1])):
        return builder.pad_last(x, len(rows) - shape[-1])
    return builder.permute(x, rows, f"{name}.rows")
