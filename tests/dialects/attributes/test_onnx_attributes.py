"""Attributes of ONNX nodes become attributes of the IR and come back exactly, through text too."""

from io import StringIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import AttributeProto, TensorProto, TypeProto, helper, numpy_helper
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, DenseArrayBase, FloatAttr, IntegerAttr, ModuleOp, StringAttr, f32, i64
from xdsl.ir import Attribute
from xdsl.parser import Parser
from xdsl.printer import Printer

from dialects.attributes.cim_attributes import ProtoAttr
from dialects.attributes.onnx_attributes import integer, integers, python_value, real, to_ir, to_onnx
from dialects.cim import make_cim


def through_text(value: Attribute) -> Attribute:
    """The attribute after it was printed and parsed."""
    text = StringIO()
    Printer(text).print_op(ModuleOp([], attributes={"value": value}))
    context = Context()
    context.load_dialect(Builtin)
    context.load_dialect(make_cim())
    return Parser(context, text.getvalue()).parse_module().attributes["value"]


def comes_back(attribute: AttributeProto) -> bool:
    value = through_text(to_ir(attribute))
    return to_onnx(attribute.name, value).SerializeToString(deterministic=True) == attribute.SerializeToString(
        deterministic=True
    )


def with_kind(name: str, kind: AttributeProto.AttributeType, field: str, values: list[Any]) -> AttributeProto:
    """An attribute of that kind, also an empty one, of which helper cannot tell the kind."""
    attribute = AttributeProto(name=name, type=kind)
    getattr(attribute, field).extend(values)
    return attribute


floats = st.floats(width=32)
int64s = st.integers(-(2**63), 2**63 - 1)


@given(floats)
def test_floats(value: float):
    assert comes_back(AttributeProto(name="a", type=AttributeProto.FLOAT, f=value))


@pytest.mark.parametrize("value", [1000001.0, -12345678.0, -0.0, 1e-45, 0.1])
def test_floats_that_xdsl_prints_in_other_ways(value: float):
    single = float(np.float32(value))
    assert comes_back(AttributeProto(name="a", type=AttributeProto.FLOAT, f=single))
    assert comes_back(with_kind("a", AttributeProto.FLOATS, "floats", [single, 0.5]))


@given(int64s)
def test_integers(value: int):
    assert comes_back(helper.make_attribute("a", value))


@given(st.lists(floats))
def test_lists_of_floats(values: list[float]):
    assert comes_back(with_kind("a", AttributeProto.FLOATS, "floats", values))


@given(st.lists(int64s))
def test_lists_of_integers(values: list[int]):
    assert comes_back(with_kind("a", AttributeProto.INTS, "ints", values))


@given(st.binary() | st.text(st.characters(codec="utf-8")).map(str.encode))
def test_texts(value: bytes):
    assert comes_back(AttributeProto(name="a", type=AttributeProto.STRING, s=value))


@given(st.lists(st.binary(max_size=4) | st.sampled_from([b"linear", "é".encode(), b'"', b"\\"]), max_size=4))
def test_lists_of_texts(values: list[bytes]):
    assert comes_back(with_kind("a", AttributeProto.STRINGS, "strings", values))


TENSORS = [
    np.array([1.5, -0.0], np.float32),
    np.array(7, np.int64),
    np.array([np.nan, np.inf], np.float32),
    np.zeros((2, 0), np.float32),
    np.arange(100),
    np.array([True, False]),
    np.array([2**64 - 1], np.uint64),
    np.array([1, 2], np.float16),
    np.array(["a", "é"], np.object_),
]


@pytest.mark.parametrize("array", TENSORS, ids=repr)
def test_tensors(array: np.ndarray[Any, np.dtype[Any]]):
    attribute = helper.make_attribute("value", numpy_helper.from_array(array))
    found = to_onnx("value", through_text(to_ir(attribute)))
    assert (found.type, found.t.data_type, list(found.t.dims)) == (
        attribute.type,
        attribute.t.data_type,
        list(attribute.t.dims),
    )
    expected, actual = numpy_helper.to_array(attribute.t), numpy_helper.to_array(found.t)
    assert expected.tolist() == actual.tolist() if array.dtype.kind == "O" else expected.tobytes() == actual.tobytes()


def test_other_kinds_are_kept_as_they_are():
    kind = AttributeProto(name="a", type=AttributeProto.TYPE_PROTO)
    kind.tp.CopyFrom(helper.make_tensor_type_proto(TensorProto.FLOAT, [2]))
    assert isinstance(kind.tp, TypeProto)
    several = with_kind("a", AttributeProto.TENSORS, "tensors", [numpy_helper.from_array(np.zeros(2))])
    assert comes_back(kind)
    assert comes_back(several)
    assert isinstance(to_ir(kind), ProtoAttr)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.044714998453855515, "4.471500e-02 : f32"),
        (3, "3 : i64"),
        ("linear", '"linear"'),
        ([1, 2], "array<i64: 1, 2>"),
        (["a", "b"], '["a", "b"]'),
    ],
)
def test_what_can_be_read_is_readable(value: Any, text: str):
    assert str(to_ir(helper.make_attribute("a", value))) == text


@pytest.mark.parametrize("value", [float("inf"), "é", [1.0, float("nan")]])
def test_what_cannot_be_read_exactly_is_serialized(value: Any):
    assert isinstance(to_ir(helper.make_attribute("a", value)), ProtoAttr)


def test_name_is_that_of_the_setting():
    kept = to_ir(AttributeProto(name="before", type=AttributeProto.INTS))
    assert to_onnx("after", kept).name == "after"


def test_settings_with_defaults():
    settings: dict[str, Attribute] = {
        "axis": IntegerAttr(-1, i64),
        "alpha": FloatAttr(0.5, f32),
        "perm": DenseArrayBase.from_list(i64, [1, 0]),
        "mode": StringAttr("linear"),
    }
    assert (integer(settings, "axis", 7), integer(settings, "none", 7), integer(settings, "mode", 7)) == (-1, 7, 7)
    assert (real(settings, "alpha", 1.0), real(settings, "none", 1.0), real(settings, "mode", 1.0)) == (0.5, 1.0, 1.0)
    assert (integers(settings, "perm"), integers(settings, "none")) == ([1, 0], None)
    assert [python_value(value) for value in settings.values()] == [-1, 0.5, [1, 0], "linear"]
