"""Activations as 8-bit integers: by the range of each vector, of the whole tensor, or of calibration inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as replace_field

import numpy as np
from xdsl.ir import SSAValue

from dialects.cim import DigitalOp, PermuteOp
from dialects.element_types import f32, i32, tensor_type_of, ui8
from dialects.network import shape_of
from passes.quantize.analysis.quantization import affine_range
from passes.quantize.gathered import Gathered
from passes.rewriting.digital import DigitalBuilder, with_element

_SMALLEST = np.array(np.finfo(np.float32).tiny)
"""A token of zeros gets this scale, so that nothing is divided by zero."""


@dataclass(frozen=True)
class Activation:
    """A quantised activation: uint8 or int8 values that stand for `(values - zero) * scale`; `zero` is int32.

    `scaled`, where there is one, is the activation over its scale, before it is rounded.
    """

    values: SSAValue
    scale: SSAValue
    zero: SSAValue | None
    scaled: SSAValue | None = None


def per_token(builder: DigitalBuilder, x: SSAValue, seen: Gathered | None) -> Activation:
    """`scale = (max - min) / 255`, `zero = round(-min / scale)`, of every vector of the last axis, 0 in range (N13)."""
    nought = builder.constant(np.array(0, np.float32), "zero")
    top = builder.constant(np.array(255, np.float32), "top")
    low = builder.elementwise("Min", _reduced(builder, "ReduceMin", x, seen), nought)
    high = builder.elementwise("Max", _reduced(builder, "ReduceMax", x, seen), nought)
    span = builder.elementwise("Sub", high, low)
    scale = builder.elementwise("Div", span, top)
    scale = builder.elementwise("Max", scale, builder.constant(_SMALLEST, "smallest"))
    zero = builder.elementwise("Div", builder.op("Neg", [low], low.type), scale)
    zero = builder.clip(builder.op("Round", [zero], zero.type), nought, top)
    scaled = builder.elementwise("Div", x, scale)
    q = builder.op("Round", [scaled], x.type)
    q = builder.clip(builder.elementwise("Add", q, zero), nought, top)
    q, zero = builder.cast(q, ui8), builder.cast(zero, i32)
    q.name_hint, scale.name_hint, zero.name_hint = "q", "scale", "zero"
    return Activation(q, scale, zero, scaled)


def _reduced(builder: DigitalBuilder, op_type: str, x: SSAValue, seen: Gathered | None) -> SSAValue:
    """A reduction over the last axis of float32 vectors."""
    if seen is None:
        return builder.reduce_last(op_type, x)
    return seen.reduced(builder, op_type, builder.cast(seen.image, f32))


def per_tensor(builder: DigitalBuilder, x: SSAValue) -> Activation:
    """One scale and zero point of all elements, by `DynamicQuantizeLinear`."""
    scalar = tensor_type_of(np.zeros((), np.float32))
    types = [with_element(x.type, ui8), scalar, with_element(scalar, ui8)]
    op = DigitalOp("DynamicQuantizeLinear", [x], types)
    builder.add(op)
    q, scale, zero = op.outputs
    return Activation(q, scale, builder.cast(zero, i32))


def static(builder: DigitalBuilder, x: SSAValue, low: float, high: float) -> Activation:
    """Scale and zero point of the range that calibration inputs had."""
    scale, zero = affine_range(low, high)
    scale_value = builder.constant(np.array(scale), "scale")
    zero_value = builder.constant(np.array(zero), "zero_point")
    q = builder.op("QuantizeLinear", [x, scale_value, zero_value], with_element(x.type, ui8))
    return Activation(q, scale_value, builder.constant(np.array(zero, np.int32), "zero") if zero else None)


def marked(
    builder: DigitalBuilder, a: Activation, x: SSAValue, seen: Gathered | None, marks: Mapping[SSAValue, SSAValue]
) -> Activation:
    """The activation `x`, with NaN as the scale of a token that has a NaN or an infinity (N14).

    Integers cannot tell, and the product is to be NaN too. ONNX leaves open whether ReduceMin and ReduceMax see a NaN,
    so it takes a sum; where `x` is a product that was marked (`marks` has its scale), that one's mark is enough.
    """
    if seen is None:
        witness = _witness(builder, a, x, marks)
    else:
        image = builder.cast(seen.image, f32)
        nought = builder.constant(np.array(0, np.float32), "zero")
        witness = seen.reduced(builder, "ReduceSum", builder.elementwise("Mul", image, nought))
    nothing = builder.elementwise("Mul", witness, builder.constant(np.array(0, np.float32), "zero"))
    scale = builder.elementwise("Add", nothing, a.scale)
    scale.name_hint = "marked"
    return replace_field(a, scale=scale)


def _witness(builder: DigitalBuilder, a: Activation, x: SSAValue, marks: Mapping[SSAValue, SSAValue]) -> SSAValue:
    """A number for each token that is finite if all of it is."""
    source = x
    while isinstance(source.owner, PermuteOp):
        source = source.owner.x
    witness = marks.get(source)
    if witness is None or shape_of(witness.type) in ((), (1,)):
        return builder.reduce_last("ReduceSum", x if a.scaled is None else a.scaled)
    return witness
