"""One kernel of each form: names and numbers that are only computed with make no form."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from cimc.emitter.kernel_forms import form_of, one_of_each_form
from cimc.program.metadata import Kernel


def model(nodes: Sequence[NodeProto], x: str = "v0", y: str = "v1", **constants: npt.NDArray[Any]) -> ModelProto:
    """A graph from `x` to `y`, both of 1x4 floats."""
    inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4])] for name in (x, y))
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "cimc", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def added(x: str = "v0", y: str = "v1", name: str = "/a", op_type: str = "Add", by: float = 1.0) -> ModelProto:
    nodes = [helper.make_node(op_type, [x, "c"], ["t"], name=name), helper.make_node("Relu", ["t"], [y], name=name)]
    return model(nodes, x, y, c=np.array([by], np.float32))


def reshaped(shape: Sequence[int]) -> ModelProto:
    return model([helper.make_node("Reshape", ["v0", "shape"], ["v1"])], shape=np.array(shape, np.int64))


@pytest.mark.parametrize("other", [added("v7", "v9"), added(name="/b"), added(by=2.0)], ids=["slots", "name", "number"])
def test_one_form(other: ModelProto):
    assert form_of(other) == form_of(added()) is not None


def swapped() -> ModelProto:
    nodes = [helper.make_node("Add", ["c", "v0"], ["t"]), helper.make_node("Relu", ["t"], ["v1"])]
    return model(nodes, c=np.array([1], np.float32))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (added(), added(op_type="Mul")),
        (added(), swapped()),
        (reshaped([2, 2]), reshaped([2, 3])),
        tuple(model([helper.make_node("Softmax", ["v0"], ["v1"], axis=a)]) for a in (0, 9)),
        tuple(model([helper.make_node("Add", ["v0", "c"], ["v1"])], c=np.ones(n, np.float32)) for n in (4, 3)),
    ],
    ids=["operator", "order", "numbers that tell a shape", "attribute", "shape of a constant"],
)
def test_different_forms(one: ModelProto, other: ModelProto):
    assert form_of(one) != form_of(other)


def test_a_body_makes_a_form_of_its_own():
    body = helper.make_graph([], "body", [], [])
    assert form_of(model([helper.make_node("If", ["c"], ["v1"], then_branch=body)])) is None


def test_the_first_of_each_form_is_kept_in_order():
    kernels = [Kernel(m.SerializeToString(), (0,), (1,)) for m in (added(), reshaped([2, 2]), added(name="/b"))]
    assert one_of_each_form(kernels) == kernels[:2]
