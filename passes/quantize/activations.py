"""Activations as integers of 8 bits or fewer: by the range of each vector, of the tensor, or of calibration inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as replace_field

import numpy as np
from xdsl.ir import SSAValue

from dialects.chip.formats import MOST_BITS
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

    `scaled`, where there is one, is the activation over its scale, before it is rounded. Of fewer than 8 `bits`, values
    are uint8 below `2^bits`.
    """

    values: SSAValue
    scale: SSAValue
    zero: SSAValue | None
    scaled: SSAValue | None = None
    bits: int = MOST_BITS


def per_token(builder: DigitalBuilder, x: SSAValue, seen: Gathered | None, bits: int = MOST_BITS) -> Activation:
    """`scale = (max - min) / top`, `zero = round(-min / scale)`, of every vector of the last axis, 0 in range (N13).

    `top` is the greatest integer, `2^bits - 1`.
    """
    nought, top = _ends(builder, bits)
    low = builder.elementwise("Min", _reduced(builder, "ReduceMin", x, seen), nought)
    high = builder.elementwise("Max", _reduced(builder, "ReduceMax", x, seen), nought)
    return _of_range(builder, x, (low, high), (nought, top), bits)


def _ends(builder: DigitalBuilder, bits: int) -> tuple[SSAValue, SSAValue]:
    """The least and the greatest integer of so many bits, as floats."""
    top = np.array((1 << bits) - 1, np.float32)
    return builder.constant(np.array(0, np.float32), "zero"), builder.constant(top, "top")


def _of_range(
    builder: DigitalBuilder,
    x: SSAValue,
    range_: tuple[SSAValue, SSAValue],
    ends: tuple[SSAValue, SSAValue],
    bits: int,
) -> Activation:
    """Integers between `ends` for floats of a range, which begins at 0 or below, and ends there or above."""
    (low, high), (nought, top) = range_, ends
    scale = builder.elementwise("Div", builder.elementwise("Sub", high, low), top)
    scale = builder.elementwise("Max", scale, builder.constant(_SMALLEST, "smallest"))
    zero = builder.elementwise("Div", builder.op("Neg", [low], low.type), scale)
    zero = builder.clip(builder.op("Round", [zero], zero.type), nought, top)
    scaled, q = _rounded(builder, x, scale, zero, ends)
    zero = builder.cast(zero, i32)
    scale.name_hint, zero.name_hint = "scale", "zero"
    return Activation(q, scale, zero, scaled, bits)


def _rounded(
    builder: DigitalBuilder, x: SSAValue, scale: SSAValue, zero: SSAValue | None, ends: tuple[SSAValue, SSAValue]
) -> tuple[SSAValue, SSAValue]:
    """`x` over its scale, and the uint8 integers that are nearest to it, counted from `zero`, a float."""
    scaled = builder.elementwise("Div", x, scale)
    q = builder.op("Round", [scaled], x.type)
    if zero is not None:
        q = builder.elementwise("Add", q, zero)
    q = builder.cast(builder.clip(q, *ends), ui8)
    q.name_hint = "q"
    return scaled, q


def _reduced(builder: DigitalBuilder, op_type: str, x: SSAValue, seen: Gathered | None) -> SSAValue:
    """A reduction over the last axis of float32 vectors."""
    if seen is None:
        return builder.reduce_last(op_type, x)
    return seen.reduced(builder, op_type, builder.cast(seen.image, f32))


def per_tensor(builder: DigitalBuilder, x: SSAValue, bits: int = MOST_BITS) -> Activation:
    """One scale and zero point of all elements; 8 bits are `DynamicQuantizeLinear`'s."""
    scalar = tensor_type_of(np.zeros((), np.float32))
    if bits < MOST_BITS:
        nought, top = _ends(builder, bits)
        low, high = (builder.op(f"Reduce{end}", [x], scalar, keepdims=0) for end in ("Min", "Max"))
        range_ = builder.elementwise("Min", low, nought), builder.elementwise("Max", high, nought)
        return _of_range(builder, x, range_, (nought, top), bits)
    types = [with_element(x.type, ui8), scalar, with_element(scalar, ui8)]
    op = DigitalOp("DynamicQuantizeLinear", [x], types)
    builder.add(op)
    q, scale, zero = op.outputs
    return Activation(q, scale, builder.cast(zero, i32))


def static(builder: DigitalBuilder, x: SSAValue, low: float, high: float, bits: int = MOST_BITS) -> Activation:
    """Scale and zero point of the range that calibration inputs had; 8 bits are `QuantizeLinear`'s."""
    scale, zero = affine_range(low, high, bits)
    scale_value = builder.constant(np.array(scale), "scale")
    if bits < MOST_BITS:
        shift = builder.constant(np.array(zero, np.float32), "zero") if zero else None
        q = _rounded(builder, x, scale_value, shift, _ends(builder, bits))[1]
    else:
        zero_value = builder.constant(np.array(zero), "zero_point")
        q = builder.op("QuantizeLinear", [x, scale_value, zero_value], with_element(x.type, ui8))
    zero_point = builder.constant(np.array(zero, np.int32), "zero") if zero else None
    return Activation(q, scale_value, zero_point, bits=bits)


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
