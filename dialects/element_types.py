"""One table of element types: how ONNX, numpy and the IR each name them, and how small constants cross over."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard

import ml_dtypes
import numpy as np
import numpy.typing as npt
from onnx import TensorProto
from xdsl.dialects.builtin import (
    BFloat16Type,
    BytesAttr,
    ComplexType,
    DenseIntOrFPElementsAttr,
    Float16Type,
    IntegerType,
    Signedness,
    TensorType,
    UnrankedTensorType,
    f32,
    f64,
    i1,
    i8,
    i32,
    i64,
)
from xdsl.ir import Attribute, Operation
from xdsl.utils.hints import isa

from dialects.cim_types import ElementType

Array = npt.NDArray[Any]
MOST_LENGTH = 2**31 - 1
"""Of a dimension in a text of IR."""
MOST_WIDTH = 64
"""Bits of an integer in a text of IR."""
ui8 = IntegerType(8, Signedness.UNSIGNED)


@dataclass(frozen=True)
class Element:
    """An element type; `numpy` is None where numpy has none (strings travel as objects)."""

    onnx: int
    ir: Attribute
    numpy: np.dtype[Any] | None


def _unsigned(width: int) -> IntegerType:
    return IntegerType(width, Signedness.UNSIGNED)


def _named(name: str, dtype: Any = None) -> Element:
    """An element type that builtin IR lacks, under ONNX's own name."""
    number = TensorProto.DataType.Value(name)
    return Element(number, ElementType.of(name.lower()), None if dtype is None else np.dtype(dtype))


_NAMED: dict[str, Any] = {
    "STRING": None,
    "FLOAT8E4M3FN": ml_dtypes.float8_e4m3fn,
    "FLOAT8E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "FLOAT8E5M2": ml_dtypes.float8_e5m2,
    "FLOAT8E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "FLOAT8E8M0": ml_dtypes.float8_e8m0fnu,
    "FLOAT6E2M3": ml_dtypes.float6_e2m3fn,
    "FLOAT6E3M2": ml_dtypes.float6_e3m2fn,
    "FLOAT4E2M1": ml_dtypes.float4_e2m1fn,
    "INT2": ml_dtypes.int2,
    "UINT2": ml_dtypes.uint2,
}
"""Types that builtin IR lacks; versions of ONNX before 1.23 know no FLOAT6."""

ELEMENTS: tuple[Element, ...] = (
    Element(TensorProto.FLOAT, f32, np.dtype(np.float32)),
    Element(TensorProto.DOUBLE, f64, np.dtype(np.float64)),
    Element(TensorProto.FLOAT16, Float16Type(), np.dtype(np.float16)),
    Element(TensorProto.BFLOAT16, BFloat16Type(), np.dtype(ml_dtypes.bfloat16)),
    Element(TensorProto.BOOL, i1, np.dtype(np.bool_)),
    Element(TensorProto.INT8, i8, np.dtype(np.int8)),
    Element(TensorProto.INT16, IntegerType(16), np.dtype(np.int16)),
    Element(TensorProto.INT32, i32, np.dtype(np.int32)),
    Element(TensorProto.INT64, i64, np.dtype(np.int64)),
    Element(TensorProto.UINT8, ui8, np.dtype(np.uint8)),
    Element(TensorProto.UINT16, _unsigned(16), np.dtype(np.uint16)),
    Element(TensorProto.UINT32, _unsigned(32), np.dtype(np.uint32)),
    Element(TensorProto.UINT64, _unsigned(64), np.dtype(np.uint64)),
    Element(TensorProto.COMPLEX64, ComplexType(f32), np.dtype(np.complex64)),
    Element(TensorProto.COMPLEX128, ComplexType(f64), np.dtype(np.complex128)),
    Element(TensorProto.INT4, IntegerType(4), np.dtype(ml_dtypes.int4)),
    Element(TensorProto.UINT4, _unsigned(4), np.dtype(ml_dtypes.uint4)),
    *(_named(name, dtype) for name, dtype in _NAMED.items() if name in TensorProto.DataType.keys()),
)
_BY_ONNX = {e.onnx: e for e in ELEMENTS}
_BY_IR = {e.ir: e for e in ELEMENTS}
_BY_NUMPY = {e.numpy: e for e in ELEMENTS if e.numpy is not None}

UNKNOWN = ElementType.of("undefined")
"""The element type of a value that shape inference knows nothing of."""


def ir_element(onnx_type: int) -> Attribute:
    """The IR element type of an ONNX `TensorProto.DataType` number."""
    element = _BY_ONNX.get(onnx_type)
    return UNKNOWN if element is None else element.ir


def onnx_element(element: Attribute) -> int:
    """The ONNX `TensorProto.DataType` number of an IR element type; 0 (undefined) if there is none."""
    known = _BY_IR.get(element)
    return TensorProto.UNDEFINED if known is None else known.onnx


def onnx_type_of(dtype: np.dtype[Any]) -> int:
    """The ONNX `TensorProto.DataType` number of a numpy dtype that ONNX has."""
    return _BY_NUMPY[dtype].onnx


def numpy_element(element: Attribute) -> np.dtype[Any] | None:
    """The numpy dtype of an IR element type; None for strings and unknown types."""
    known = _BY_IR.get(element)
    return None if known is None else known.numpy


def tensor_type_of(array: Array) -> TensorType[Any]:
    """The static tensor type of a numpy array."""
    return tensor_type(_BY_NUMPY[array.dtype].ir, array.shape)


@lru_cache(maxsize=1 << 12)
def tensor_type(element: Attribute, shape: tuple[int, ...]) -> TensorType[Any]:
    """The tensor type of that shape, negative for dynamic dimensions; equal ones are one object, where it is known."""
    return TensorType(element, shape)


def element_type(value_type: Attribute) -> Attribute:
    """The element type of a tensor type, ranked or not; UNKNOWN for anything else."""
    if is_tensor(value_type):
        return value_type.element_type
    return value_type.element_type if isa(value_type, UnrankedTensorType) else UNKNOWN


def is_tensor(type_: Attribute) -> TypeGuard[TensorType[Attribute]]:
    """Whether `type_` is a ranked tensor type: a hundred times as fast as `isa`, for what is asked that often."""
    return isinstance(type_, TensorType)


_INLINE_ELEMENTS = 32
_INLINE = tuple(np.dtype(letter) for letter in "?bBhHiIqQfd")


def inline_constant(array: Array) -> DenseIntOrFPElementsAttr | None:
    """`array` as `dense<...>`, or None where that is unreadable or not exact (large, or not finite)."""
    if array.dtype not in _INLINE or not 0 < array.size <= _INLINE_ELEMENTS:
        return None
    return _inline(array.dtype, array.shape, array.tobytes())


@lru_cache(maxsize=1 << 12)
def _inline(dtype: np.dtype[Any], shape: tuple[int, ...], content: bytes) -> DenseIntOrFPElementsAttr | None:
    array = np.frombuffer(content, dtype).reshape(shape)
    if not reads_back(array):
        return None
    if array.dtype == np.bool_:
        return DenseIntOrFPElementsAttr.from_list(TensorType(i1, array.shape), array.flatten().tolist())
    return DenseIntOrFPElementsAttr(tensor_type_of(array), BytesAttr(content))


def reads_back(array: Array) -> bool:
    """Whether xDSL reads back what it prints.

    It prints large whole floats as their bits, which it reads as an integer, and 0.0 next to -0.0 as one number.
    """
    if array.dtype.kind != "f":
        return True
    digits = 9 if array.dtype == np.float32 else 17
    plain = ("." in f"{v:.{digits}g}" or array.dtype.type(f"{v:.5e}") == v for v in array.flatten().tolist())
    has_both_zeros = not array.any() and len(np.unique(np.signbit(array))) > 1
    return bool(np.isfinite(array).all()) and all(plain) and not has_both_zeros


def dense_array(value: DenseIntOrFPElementsAttr) -> Array:
    """The numpy array of a `dense<...>` attribute."""
    dtype = numpy_element(value.get_element_type())
    assert dtype is not None, f"dense elements of type {value.get_element_type()}"
    items = value.get_values()
    array = np.array([i != 0 for i in items]) if dtype == np.bool_ else np.array(items, dtype)
    shape = value.get_shape()
    return array.reshape(shape) if array.size != 1 else np.full(shape, array.reshape(-1)[0], dtype)


def strange_type(module: Operation) -> str | None:
    """The first value with a type that no array has, described; None if there is none."""
    for op in module.walk():
        values = [*op.results, *(value for region in op.regions for block in region.blocks for value in block.args)]
        for value in values:
            type_ = value.type
            if isa(type_, TensorType):
                if max(type_.get_shape(), default=0) > MOST_LENGTH:
                    return f"{op.name}: a value has type {type_}: expected dimensions of at most {MOST_LENGTH}"
                type_ = type_.get_element_type()
            if isa(type_, IntegerType) and type_.width.data > MOST_WIDTH:
                return f"{op.name}: a value has type {type_}: expected integers of at most {MOST_WIDTH} bits"
    return None
