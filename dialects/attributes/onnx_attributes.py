"""Attributes of ONNX nodes as attributes of the IR, and back, exactly."""

import base64
from functools import lru_cache
from typing import Any

import numpy as np
from onnx import AttributeProto, helper, numpy_helper
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    f32,
    i64,
)
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from dialects.attributes.cim_attributes import ProtoAttr
from dialects.element_types import dense_array, inline_constant, reads_back

GRAPH_KINDS = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
"""Kinds of attributes that are bodies of control flow: they become regions, not attributes."""


def to_ir(attribute: AttributeProto) -> Attribute:
    """The IR form of a node's attribute that is no graph; what has no readable form that is exact stays serialized."""
    readable = _readable(attribute)
    return ProtoAttr(StringAttr(_serialized(attribute))) if readable is None else readable


def _readable(attribute: AttributeProto) -> Attribute | None:
    type_ = attribute.type
    if type_ == AttributeProto.INT:
        return IntegerAttr(attribute.i, i64)
    if type_ == AttributeProto.FLOAT:
        return FloatAttr(attribute.f, f32) if np.isfinite(attribute.f) else None
    if type_ == AttributeProto.STRING:
        return _text(attribute.s)
    if type_ == AttributeProto.INTS and attribute.ints:
        return DenseArrayBase.from_list(i64, list(attribute.ints))
    if type_ == AttributeProto.FLOATS and attribute.floats and reads_back(np.array(attribute.floats, np.float32)):
        return DenseArrayBase.from_list(f32, list(attribute.floats))
    if type_ == AttributeProto.STRINGS and attribute.strings:
        texts = [_text(s) for s in attribute.strings]
        return ArrayAttr([t for t in texts if t is not None]) if None not in texts else None
    if type_ == AttributeProto.TENSOR and attribute.t.data_type != attribute.t.STRING:
        return inline_constant(numpy_helper.to_array(attribute.t))
    return None


def _text(content: bytes) -> StringAttr | None:
    """A text as it stands; None for one with bytes beyond ASCII, which xDSL would not read back as text."""
    return StringAttr(content.decode()) if content.isascii() else None


def _serialized(attribute: AttributeProto) -> str:
    return base64.b64encode(attribute.SerializeToString(deterministic=True)).decode()


def to_onnx(name: str, value: Attribute) -> AttributeProto:
    """The ONNX attribute `name` that `to_ir` made `value` of."""
    if isinstance(value, IntegerAttr):
        return _of_integer(name, value.value.data)
    if isinstance(value, ProtoAttr):
        kept = AttributeProto.FromString(base64.b64decode(value.text.data))
        kept.name = name
        return kept
    if isa(value, DenseIntOrFPElementsAttr):
        return helper.make_attribute(name, numpy_helper.from_array(dense_array(value)))
    return helper.make_attribute(name, python_value(value))


@lru_cache(maxsize=1 << 10)
def _of_integer(name: str, value: int) -> AttributeProto:
    """An attribute that many nodes of a network have; not to be changed."""
    return helper.make_attribute(name, value)


def python_value(value: Attribute) -> Any:
    """The int, float, str or list of these that an attribute stands for."""
    if isinstance(value, IntegerAttr):
        return value.value.data
    if isinstance(value, FloatAttr):
        return value.value.data
    if isinstance(value, StringAttr):
        return value.data
    if isinstance(value, DenseArrayBase):
        return list(value.get_values())
    assert isa(value, ArrayAttr[StringAttr]), f"an attribute that no ONNX node has: {value}"
    return [text.data for text in value]


def integer(settings: dict[str, Attribute], name: str, default: int) -> int:
    """The integer attribute `name` of a node, or its default."""
    value = settings.get(name)
    return value.value.data if isinstance(value, IntegerAttr) else default


def real(settings: dict[str, Attribute], name: str, default: float) -> float:
    """The float attribute `name` of a node, or its default."""
    value = settings.get(name)
    return value.value.data if isinstance(value, FloatAttr) else default


def integers(settings: dict[str, Attribute], name: str) -> list[int] | None:
    """The list of integers `name` of a node, or None where it has no such attribute."""
    value = settings.get(name)
    return [int(n) for n in value.get_values()] if isinstance(value, DenseArrayBase) else None


def reals(settings: dict[str, Attribute], name: str) -> list[float] | None:
    """The list of floats `name` of a node, or None where it has no such attribute."""
    value = settings.get(name)
    return [float(n) for n in value.get_values()] if isinstance(value, DenseArrayBase) else None
