"""Integer weights: the same products after they were moved to int8, with exact corrections."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.element_types import Array
from dialects.network import Network
from passes.rewriting.digital import DigitalBuilder
from passes.rewriting.integer_products import IntegerWeight, corrected, integer_weight, is_per_tensor, optional

bytes_ = st.sampled_from([np.int8, np.uint8]).flatmap(lambda dtype: hnp.arrays(dtype, (3, 2)))


@given(bytes_, st.none() | st.lists(st.integers(-128, 255), min_size=2, max_size=2))
def test_values_less_zero_points_stay_what_they_are(values: Array, zero: list[int] | None) -> None:
    point = None if zero is None else np.array(zero, np.int32)
    weight = integer_weight(values, point, "w")
    assert weight.values.dtype == np.int8
    moved = weight.values.astype(np.int32) - (0 if weight.zero_point is None else weight.zero_point)
    assert (moved == values.astype(np.int32) - (0 if point is None else point)).all()


def test_a_zero_point_goes_where_int8_can_hold_the_rest() -> None:
    values = np.array([[200, 3], [130, 0]], np.uint8)
    moved = integer_weight(values, np.array([128, 2], np.int32), "w")
    assert moved.zero_point is None
    assert moved.values.tolist() == [[72, 1], [2, -2]]
    kept = integer_weight(values, np.array([10, 2], np.int32), "w")
    assert kept.zero_point is not None
    assert kept.zero_point.tolist() == [-118, -126]


def test_int8_without_zero_point_stays_as_it_is() -> None:
    values = np.array([[-128, 127]], np.int8)
    weight = integer_weight(values, None, "w")
    assert weight.values is values
    assert weight.zero_point is None


def test_column_sums() -> None:
    values = np.array([[1, 2], [3, -4]], np.int8)
    assert IntegerWeight(values, None).column_sums.tolist() == [4, -2]
    assert IntegerWeight(values, np.array([10, 1], np.int32)).column_sums.tolist() == [4 - 20, -2 - 2]


def test_column_sums_of_blocks_are_in_the_order_of_the_matrix() -> None:
    blocks = np.array([[[1, 2]], [[3, 4]]], np.int8)
    weight = IntegerWeight(blocks, None, order=np.array([2, 0, 3, 1]))
    assert weight.columns == 4
    assert IntegerWeight(blocks, None).column_sums.tolist() == [1, 2, 3, 4]
    assert weight.column_sums.tolist() == [2, 4, 1, 3]


def test_column_sums_wrap_around_as_int32_does() -> None:
    zero = np.array([2**31 - 1], np.int32)
    with np.errstate(over="ignore"):
        sums = IntegerWeight(np.array([[1], [1]], np.int8), zero).column_sums
    assert sums.dtype == np.int32
    assert sums.tolist() == [4]


def builder_of(zero: str) -> tuple[DigitalBuilder, DigitalOp]:
    """A builder before `MatMulInteger(x, x, zero, none)`, whose output is int32."""
    context = make_context()
    text = f"""func.func @main(%x: tensor<?x3xui8>, %z: {zero}) -> tensor<?x2xi32> {{
      %none = cim.none : none
      %y = cim.digital "MatMulInteger"(%x, %x, %z, %none) : (tensor<?x3xui8>, tensor<?x3xui8>, {zero}, none)
        -> tensor<?x2xi32>
      func.return %y : tensor<?x2xi32>
    }}"""
    network = Network.of(context, Parser(context, text).parse_module())
    anchor = network.body[-1]
    assert isinstance(anchor, DigitalOp)
    return DigitalBuilder(network, anchor), anchor


@pytest.mark.parametrize(
    ("zero_x", "zero_w", "added"),
    [
        (False, None, []),
        (False, [0, 0], []),
        (True, None, ["Mul", "Sub"]),
        (False, [0, 1], ["Cast", "ReduceSum", "Mul", "Sub"]),
        (True, [1, 1], ["Mul", "Sub", "Cast", "ReduceSum", "Mul", "Sub"]),
    ],
)
def test_only_what_zero_points_contribute_is_corrected(
    zero_x: bool, zero_w: list[int] | None, added: list[str]
) -> None:
    builder, anchor = builder_of("tensor<i32>")
    weight = IntegerWeight(np.ones((3, 2), np.int8), None if zero_w is None else np.array(zero_w, np.int32))
    zero = anchor.inputs[2] if zero_x else None
    result = corrected(builder, anchor.inputs[0], anchor.outputs[0], zero, weight)
    digital = [op for op in builder.network.body if isinstance(op, DigitalOp)]
    assert [op.op_type.data for op in digital] == [*added, "MatMulInteger"]
    assert result.type == anchor.outputs[0].type


@pytest.mark.parametrize(("zero", "shape"), [("tensor<i32>", "tensor<2xi32>"), ("tensor<?x1xi32>", "tensor<?x2xi32>")])
def test_a_zero_point_for_each_vector_has_sums_for_each_vector(zero: str, shape: str) -> None:
    builder, anchor = builder_of(zero)
    weight = IntegerWeight(np.ones((3, 2), np.int8), None)
    result = corrected(builder, anchor.inputs[0], anchor.outputs[0], anchor.inputs[2], weight)
    assert isinstance(result.owner, DigitalOp)
    assert str(result.owner.inputs[1].type) == shape


def test_absent_inputs() -> None:
    inputs = list(builder_of("tensor<i32>")[1].inputs)
    assert optional(inputs, 2) is inputs[2]
    assert optional(inputs, 3) is None
    assert optional(inputs, 4) is None


@pytest.mark.parametrize(
    ("zero", "per_tensor"),
    [("tensor<i32>", True), ("tensor<1xi32>", True), ("tensor<2xi32>", False), ("tensor<*xi32>", False)],
)
def test_one_number_for_all(zero: str, per_tensor: bool) -> None:
    assert is_per_tensor(builder_of(zero)[1].inputs[2]) == per_tensor
    assert is_per_tensor(None)
