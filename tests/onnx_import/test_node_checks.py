"""Nodes that are not as their operators want them; arities are in test_graph_checks.py."""

import re
from pathlib import Path

import numpy as np
import pytest
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper

from cimc.onnx_import.node_checks import check_node
from dialects.errors import UserError

FILE = Path("some.onnx")


def named(op_type: str, *attributes: AttributeProto, inputs: int = 1) -> NodeProto:
    node = helper.make_node(op_type, [f"x{i}" for i in range(inputs)], ["y"], name="n")
    node.attribute.extend(attributes)
    return node


def attribute(name: str, value: object) -> AttributeProto:
    return helper.make_attribute(name, value)


def reference() -> AttributeProto:
    return AttributeProto(name="alpha", ref_attr_name="a", type=AttributeProto.FLOAT)


DAMAGED = TensorProto(name="t", data_type=TensorProto.FLOAT, dims=[3], raw_data=b"1234")
UNKNOWN = TensorProto(name="t", data_type=99, dims=[3])
WRONG = {
    "node 'n' (Softmax) has attribute 'axis' of type float, expected int": named("Softmax", attribute("axis", 1.5)),
    "node 'n' (Transpose) has attribute 'perm' of type int, expected ints": named("Transpose", attribute("perm", 1)),
    "node 'n' (Elu) has attribute 'alpha' of type undefined, expected float": named(
        "Elu", AttributeProto(name="alpha")
    ),
    "node 'n' (Elu) has attribute 'alpha' more than once, or without a name": named(
        "Elu", attribute("alpha", 1.0), attribute("alpha", 2.0)
    ),
    "node 'n' (Elu) refers to attribute 'a' of a function outside of one": named("Elu", reference()),
    "node 'n' (Cast) casts to element type 99, which ONNX does not have": named("Cast", attribute("to", 99)),
    "node 'n' (Cast) has saturate = 19: expected 0 or 1": named("Cast", attribute("to", 1), attribute("saturate", 19)),
    "node 'n' () names no operator": named(""),
    "initializer 't' is damaged: cannot reshape": named("Constant", attribute("value", DAMAGED), inputs=0),
    "initializer 't' has element type 99, which ONNX does not have": named(
        "Constant", attribute("value", UNKNOWN), inputs=0
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_nodes(message: str) -> None:
    with pytest.raises(UserError, match=rf"^some.onnx: {re.escape(message)}") as error:
        check_node(WRONG[message], {"": 19}, FILE)
    assert "\n" not in str(error.value)


def test_attributes_of_later_operator_sets() -> None:
    node = named("Split", attribute("num_outputs", 1))
    message = (
        "some.onnx: node 'n' (Split) has attribute 'num_outputs', which its operator has from opset 18 on, and the "
        "file is of opset 17: export the network for opset 18 or a later one"
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_node(node, {"": 17}, FILE)
    check_node(node, {"": 18}, FILE)


def test_damaged_buffers_are_told_in_one_line() -> None:
    damaged = TensorProto(name="t", data_type=TensorProto.FLOAT, dims=[1], raw_data=b"123")
    with pytest.raises(UserError, match=r"^some.onnx: initializer 't' is damaged: "):
        check_node(named("Constant", attribute("value", damaged), inputs=0), {"": 17}, FILE)


def test_inputs_that_are_left_out_at_the_end_are_dropped() -> None:
    node = helper.make_node("Clip", ["x", "", ""], ["y"])
    check_node(node, {"": 17}, FILE)
    assert list(node.input) == ["x"]


def test_operators_that_onnx_does_not_know_may_have_any_attributes() -> None:
    node = helper.make_node("Frob", ["x", ""], ["y"], domain="my", any=numpy_helper.from_array(np.ones(2), "t"))
    check_node(node, {"my": 1}, FILE)
    check_node(helper.make_node("Neg", ["x"], ["y"]), {"": 1 << 40}, FILE)  # no operator set is so new
