"""Element types in three languages, and small constants as `dense<...>`, through text and back."""

from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, DenseIntOrFPElementsAttr, ModuleOp, TensorType, UnrankedTensorType, f32
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.hints import isa

from dialects.cim_types import ElementType, ValueType
from dialects.element_types import (
    ELEMENTS,
    UNKNOWN,
    Array,
    Element,
    dense_array,
    element_type,
    inline_constant,
    ir_element,
    numpy_element,
    onnx_element,
    tensor_type_of,
)

INLINE = [np.dtype(kind) for kind in "?bBhHiIqQfd"]


def through_text(value: DenseIntOrFPElementsAttr) -> DenseIntOrFPElementsAttr:
    """The attribute after it was printed and parsed."""
    text = StringIO()
    Printer(text).print_op(ModuleOp([], attributes={"value": value}))
    context = Context()
    context.load_dialect(Builtin)
    found = Parser(context, text.getvalue()).parse_module().attributes["value"]
    assert isa(found, DenseIntOrFPElementsAttr)
    return found


def same(a: Array, b: Array) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("element", ELEMENTS, ids=lambda e: TensorProto.DataType.Name(e.onnx))
def test_each_element_type_has_one_name_in_each_language(element: Element):
    assert ir_element(element.onnx) == element.ir
    assert onnx_element(element.ir) == element.onnx
    assert numpy_element(element.ir) == element.numpy
    if element.numpy is not None:
        assert tensor_type_of(np.zeros((2, 0), element.numpy)) == TensorType(element.ir, [2, 0])


def test_all_types_of_onnx_are_known():
    """A failure after an upgrade of ONNX names element types that it has and we have not."""
    known = {e.onnx for e in ELEMENTS}
    assert {n for n in TensorProto.DataType.keys() if TensorProto.DataType.Value(n) not in known} == {"UNDEFINED"}


def test_unknown_types():
    assert ir_element(TensorProto.UNDEFINED) == UNKNOWN
    assert onnx_element(UNKNOWN) == TensorProto.UNDEFINED
    assert numpy_element(UNKNOWN) is None
    assert numpy_element(ElementType.of("string")) is None
    assert element_type(ValueType.of("seq(tensor(float))")) == UNKNOWN
    assert element_type(TensorType(f32, [2])) == element_type(UnrankedTensorType(f32)) == f32


@given(
    st.sampled_from(INLINE).flatmap(
        lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3))
    )
)
def test_inline_constants_come_back_exactly(array: Array):
    value = inline_constant(array)
    if value is None:
        assert array.dtype.kind == "f"
        assert not np.isfinite(array).all() or (array == 0).all() or (abs(array) > 1e5).any()
    else:
        assert same(dense_array(value), array)
        assert same(dense_array(through_text(value)), array)


EXTREMES = [
    np.array([np.iinfo(np.uint64).max, 0], np.uint64),
    np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max]),
    np.array([-0.0, -0.0], np.float32),
    np.array([-0.0, 1.0]),
    np.array([1e6, 1234560.0, 1e30, 1234567.5], np.float32),
    np.array([np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max], np.float32),
    np.array([0.044714998453855515], np.float32),
    np.array([0.1, 5e-324]),
    np.array([True, False]),
    np.array([True, True]),
    np.array(False),
]


@pytest.mark.parametrize("array", EXTREMES, ids=repr)
def test_extreme_constants_come_back_exactly(array: Array):
    value = inline_constant(array)
    assert value is not None
    assert same(dense_array(through_text(value)), array)


@pytest.mark.parametrize(
    "array",
    [
        np.array([np.nan], np.float32),
        np.array([np.inf], np.float64),
        np.array([-0.0, 0.0]),
        np.array([1000001.0, 0.5], np.float32),
        np.array([-12345678.0]),
        np.zeros(33, np.float32),
        np.zeros((2, 0), np.float32),
        np.zeros(2, np.float16),
        np.zeros(2, np.complex64),
        np.zeros(2, numpy_element(ElementType.of("float8e4m3fn"))),
    ],
    ids=repr,
)
def test_what_is_not_exact_or_not_readable_is_not_inline(array: Array):
    assert inline_constant(array) is None


def test_one_number_for_all():
    """xDSL keeps `dense<1>` as one number, whatever the shape."""
    context = Context()
    context.load_dialect(Builtin)
    module = Parser(context, "builtin.module attributes {value = dense<1> : tensor<2x3xi8>} {}").parse_module()
    value = module.attributes["value"]
    assert isa(value, DenseIntOrFPElementsAttr)
    assert same(dense_array(value), np.ones((2, 3), np.int8))
