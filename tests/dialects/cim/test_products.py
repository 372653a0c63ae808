"""Multiplications and permutations as Python makes them; their texts and messages are in lit/dialects/cim."""

import pytest
from xdsl.dialects import test
from xdsl.dialects.builtin import TensorType, UnrankedTensorType, f32
from xdsl.ir import Attribute

from dialects.cim import MatmulOp, PermuteOp
from dialects.element_types import i8, i32, ui8


@pytest.mark.parametrize(("factor", "product", "is_integer"), [(f32, f32, False), (ui8, i32, True), (i8, i32, True)])
def test_products_of_integers_and_of_floats(factor: Attribute, product: Attribute, is_integer: bool) -> None:
    for x_type, y_type in (
        (TensorType(factor, [-1, 4]), TensorType(product, [-1, 6])),
        (UnrankedTensorType(factor), UnrankedTensorType(product)),
    ):
        (x,) = test.TestOp(result_types=[x_type]).results
        matmul = MatmulOp(x, "w", y_type)
        matmul.verify()
        assert (matmul.symbol, matmul.is_integer) == ("w", is_integer)


def test_a_permutation_names_its_table() -> None:
    (x,) = test.TestOp(result_types=[TensorType(f32, [4])]).results
    permute = PermuteOp(x, "order", TensorType(f32, [3]))
    permute.verify()
    assert permute.symbol == "order"
