"""Products of 8-bit integers: whatever the types, the graph that is written gives the integers that ONNX defines."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper, parser

from dialects.errors import UserError
from dialects.semantics.exact_products import PRODUCTS, Operand, mixed_operands, moved

U8, S8 = TensorProto.UINT8, TensorProto.INT8


def elements(op: tuple[str, str], left: int, right: int) -> list[int]:
    """The types of an operator's inputs: those of its operands, and nothing of the others."""
    found = [0] * 12
    for product in PRODUCTS[op]:
        for operand, element in ((product.left, left), (product.right, right)):
            if operand is not None:
                found[operand.value] = element
    return found


@pytest.mark.parametrize("op", PRODUCTS)
def test_int8_that_meets_uint8_moves(op: tuple[str, str]) -> None:  # N20
    left = [product.left for product in PRODUCTS[op] if product.left is not None]
    right = [product.right for product in PRODUCTS[op]]
    assert mixed_operands(*op, elements(op, U8, S8), "n") == right
    assert mixed_operands(*op, elements(op, S8, U8), "n") == left
    assert mixed_operands(*op, elements(op, U8, U8), "n") == []
    if left:
        assert mixed_operands(*op, elements(op, S8, S8), "n") == []


def test_a_zero_point_tells_the_type() -> None:
    assert mixed_operands("", "MatMulInteger", [0, S8, U8], "n") == [Operand(1, 3)]


def test_types_that_nothing_tells() -> None:
    with pytest.raises(UserError) as error:
        mixed_operands("", "MatMulInteger", [0, S8], "n")
    assert str(error.value) == (
        "node 'n' (MatMulInteger): the types of the integers that it multiplies are not known: expected uint8 or int8, "
        "which a zero point of that type would tell"
    )


def test_other_operators_are_left_alone() -> None:
    assert mixed_operands("", "QLinearAdd", [U8, S8], "n") == []
    assert mixed_operands("my.own", "MatMulInteger", [U8, S8], "n") == []


def test_moved() -> None:
    values: NDArray[np.int8] = np.array([-128, -1, 0, 127], np.int8)
    assert moved(values).tolist() == [0, 127, 128, 255]
    assert moved(np.array(-3, np.int8)).shape == ()


def test_such_products_are_found(saturating_products: Callable[[ModelProto], list[str]]) -> None:  # N20
    """The search that every graph of every test goes through."""
    header = '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>'
    plain = parser.parse_model(
        f"{header} g (uint8[2,2] x, int8[2,2] w) => (int32[2,2] y) {{ y = MatMulInteger(x, w) }}"
    )
    assert saturating_products(plain) == ["MatMulInteger ''"]
    text = (
        f"{header} g (float[2,2] x, float s) => (float[2,2] y) {{ y = com.microsoft.DynamicQuantizeMatMul(x, w, s) }}"
    )
    dynamic = parser.parse_model(text)
    dynamic.graph.initializer.append(numpy_helper.from_array(np.ones((2, 2), np.int8), "w"))
    assert saturating_products(dynamic) == ["DynamicQuantizeMatMul ''"]
    outer = helper.make_graph(
        [helper.make_node("If", ["c"], ["y"], then_branch=plain.graph, else_branch=plain.graph)],
        "outer",
        [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [2, 2])],
    )
    assert len(saturating_products(helper.make_model(outer))) == 2
