"""The layers of `MoE` and `QMoE`: weights of all experts, in float32 or as 8-bit integers with scales."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue

from dialects.attributes.onnx_attributes import integer
from dialects.cim import DigitalOp, ReadOp
from dialects.element_types import Array
from dialects.network import Network
from passes.rewriting.constants.constants import constant_of
from passes.rewriting.integer_products import optional

_BITS = (2, 4, 8)


@dataclass(frozen=True)
class Layer:
    """One of the linear layers of all experts: weights [experts, out, in], and a bias [experts, out]."""

    stack: Array
    scale: Array | None
    """Factors of integers, [experts, out, 1 or in]; None for floats."""
    zero: Array | None
    """What is subtracted from uint8 numbers before they are scaled, float32 [experts, out, 1 or in]."""
    bias: SSAValue | None
    name: str


def whole_layers(op: DigitalOp, network: Network) -> list[Layer | None] | None:
    """The three layers of `MoE`, of which the last may be left out; None where one is no constant of floats."""
    layers: list[Layer | None] = []
    for position in (2, 4, 6):
        value = optional(op.inputs, position)
        if value is None:
            layers.append(None)
            continue
        stack = constant_of(value, network)
        if stack is None or stack.ndim != 3 or stack.dtype != np.float32:
            return None
        layers.append(Layer(stack, None, None, optional(op.inputs, position + 1), _name_of(value)))
    return layers


def quantised_layers(op: DigitalOp, network: Network) -> list[Layer | None] | None:
    """The three layers of `QMoE` with integers; None for other numbers, or layouts of other processors."""
    type_ = op.setting.get("quant_type")
    if (isinstance(type_, StringAttr) and type_.data != "int") or integer(op.setting, "weights_prepacked", 0) == 1:
        return None
    layers: list[Layer | None] = []
    for number, position in ((1, 2), (2, 5), (3, 8)):
        if optional(op.inputs, position) is None:
            layers.append(None)
            continue
        own = integer(op.setting, f"fc{number}_expert_weight_bits", integer(op.setting, "expert_weight_bits", 4))
        values = [optional(op.inputs, p) for p in (position, position + 1, 10 + number)]
        arrays = [None if value is None else constant_of(value, network) for value in values]
        if own not in _BITS or any(v is not None and a is None for v, a in zip(values, arrays)):
            return None
        layer = _quantised(arrays, own, optional(op.inputs, position + 2), _name_of(op.inputs[position]))
        if layer is None:
            return None
        layers.append(layer)
    return layers


def _quantised(arrays: Sequence[Array | None], bits: int, bias: SSAValue | None, name: str) -> Layer | None:
    """A layer of packed numbers [experts, out, bytes], scales [experts, out] or [experts, out, blocks], zero points."""
    packed, scale, zero = arrays
    if packed is None or scale is None or packed.dtype != np.uint8 or packed.ndim != 3:
        return None
    if scale.dtype != np.float32 or scale.ndim not in (2, 3):
        return None
    values = _unpacked(packed, bits).astype(np.int16)
    scale = scale if scale.ndim == 3 else scale[..., None]
    blocks, columns = scale.shape[-1], values.shape[-1]
    if scale.shape[:2] != values.shape[:2] or not blocks or columns % blocks:
        return None
    points = np.full((1, 1, 1), 1 << (bits - 1), np.uint8) if zero is None else _unpacked(zero, bits)
    if zero is not None:
        points = points[..., :blocks] if zero.ndim == 3 else points[:, : values.shape[1], None]
        if points.shape != scale.shape:
            return None
    repeats = 1 if blocks == 1 else columns // blocks
    factors = scale if repeats == 1 else np.repeat(scale, repeats, axis=-1)
    points = points.astype(np.int16) if points.shape[-1] == 1 else np.repeat(points, repeats, -1).astype(np.int16)
    centred = values - points
    if centred.min(initial=0) >= -128 and centred.max(initial=0) <= 127:
        return Layer(centred.astype(np.int8), factors, None, bias, name)
    return Layer(values.astype(np.uint8), factors, points.astype(np.float32), bias, name)


def _unpacked(packed: Array, bits: int) -> Array:
    """Numbers of so many bits, the lowest of each byte first."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    numbers = (packed[..., None] >> shifts) & np.uint8((1 << bits) - 1)
    return numbers.reshape(*packed.shape[:-1], -1)


def _name_of(value: SSAValue) -> str:
    return value.owner.symbol if isinstance(value.owner, ReadOp) else value.name_hint or "experts"
