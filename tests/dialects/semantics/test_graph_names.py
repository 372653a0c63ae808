"""Names in a graph: nobody has another's, and what is the same stands once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, numpy_helper

from dialects.element_types import Array
from dialects.semantics.graph_names import GraphNames, external_tensor

wishes = st.lists(st.sampled_from(["a", "a.1", "b", "a.1.1", "constant0", "constant0_", "constant", ""]))


@given(wishes, wishes)
def test_names_are_all_different(reserved: list[str], wished: list[str]) -> None:
    names = GraphNames()
    for name in reserved:
        names.reserve(name)
    given_names = [names.fresh(wish) for wish in wished]
    assert len({*given_names, *reserved}) == len(given_names) + len(set(reserved))
    assert not any(name == "constant0" for name in given_names)


def test_a_wish_is_granted_where_it_can_be() -> None:
    names = GraphNames()
    assert [names.fresh("a") for _ in range(3)] == ["a", "a.1", "a.2"]
    assert names.fresh("constant7") == "constant7_"


def test_nodes_have_names_of_their_own() -> None:
    names = GraphNames()
    assert (names.fresh("a"), names.node("a"), names.node("a"), names.node("constant0")) == (
        "a",
        "a",
        "a.1",
        "constant0",
    )


def test_a_form_of_a_weight_stands_once() -> None:
    calls: list[str] = []

    def array() -> Array:
        calls.append("")
        return np.arange(3)

    names = GraphNames()
    assert names.form("int8", "w", array) == names.form("int8", "w", array) == "@w.int8"
    assert names.form("", "w", array) == "@w"
    assert len(calls) == 2
    assert numpy_helper.to_array(names.initializers["@w"]).tolist() == [0, 1, 2]


def test_constants_from_outside() -> None:
    """They are named by who keeps them, and stand in the graph once however often they are used."""
    names = GraphNames(lambda array, digest: "constant3" if array.size > 2 else None)
    assert names.initializer("big", np.arange(3)) == names.initializer("other", np.arange(3)) == "constant3"
    assert names.initializer("small", np.arange(2)) == "small"
    assert list(names.initializers) == ["constant3", "small"]
    assert names.initializers["constant3"].data_location == TensorProto.EXTERNAL


def test_external_tensors_have_type_and_shape_but_no_bytes() -> None:
    tensor = external_tensor("constant0", np.zeros((2, 3), np.uint8))
    assert (tensor.name, tensor.data_type, list(tensor.dims)) == ("constant0", TensorProto.UINT8, [2, 3])
    assert not tensor.raw_data
    assert [(entry.key, entry.value) for entry in tensor.external_data] == [("location", "constants")]
