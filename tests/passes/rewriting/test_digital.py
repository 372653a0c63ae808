"""Operators that are added to a network: their forms by operator set, types that become known, weights stored once."""

import numpy as np
import pytest
from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, UnrankedTensorType, f32, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.attributes.cim_attributes import AffineAttr
from dialects.attributes.structure import BLOCK_DIAGONAL, BlockDiagonalAttr
from dialects.cim import DigitalOp, PermuteOp, ReadOp
from dialects.element_types import i8, i32, tensor_type
from dialects.errors import UserError
from dialects.network import OPSETS, Network, opsets_attribute
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from passes.rewriting.digital import (
    DigitalBuilder,
    check_vectors,
    same,
    with_element,
    with_last,
)
from passes.rewriting.patterns import NetworkRewriter

X = "tensor<2x3x4xf32>"
NUMBERS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def builder_of(x: str = X, opset: int = 17) -> DigitalBuilder:
    """A builder before the one operator `Relu` of a network with an input of type `x`."""
    context = make_context()
    text = f"""func.func @main(%x: {x} {{cim.name = "x"}}) -> {x} {{
      %old = cim.digital "Relu"(%x) : ({x}) -> {x} loc("/relu")
      func.return %old : {x}
    }}"""
    module = Parser(context, text).parse_module()
    module.attributes[OPSETS] = opsets_attribute({"": opset})
    network = Network.of(context, module)
    return DigitalBuilder(network, network.body[0])


def input_of(builder: DigitalBuilder) -> SSAValue:
    return builder.network.block.args[0]


def computed(builder: DigitalBuilder, value: SSAValue) -> np.ndarray:
    """What `value` holds if it is what the network returns, for an input of 0, 1, 2, ..."""
    NetworkRewriter(builder.anchor).replace(builder.anchor, (), [value])
    builder.network.main.update_function_type()
    builder.network.module.verify()
    (result,) = run_graph(network_model(builder.network), {"x": NUMBERS}).values()
    return result


def digital(value: SSAValue) -> DigitalOp:
    assert isinstance(value.owner, DigitalOp)
    return value.owner


def test_types_with_other_elements_and_sizes() -> None:
    ranked, unranked = tensor_type(f32, (DYNAMIC_INDEX, 4)), UnrankedTensorType(f32)
    assert with_element(ranked, i8) == TensorType(i8, [DYNAMIC_INDEX, 4])
    assert with_element(unranked, i8) == UnrankedTensorType(i8)
    assert with_last(ranked, 7) == TensorType(f32, [DYNAMIC_INDEX, 7])
    assert with_last(ranked, 7, i32) == TensorType(i32, [DYNAMIC_INDEX, 7])
    assert with_last(unranked, 7) == unranked
    assert with_last(unranked, 7, i32) == UnrankedTensorType(i32)


def test_what_is_added_stands_before_the_anchor_and_comes_from_its_node() -> None:
    builder = builder_of()
    added = builder.op("Neg", [input_of(builder)], input_of(builder).type)
    assert builder.network.body == [added.owner, builder.anchor]
    assert digital(added).location == builder.anchor.location


def test_small_constants_stand_in_the_ir_and_large_ones_are_weights() -> None:
    builder = builder_of()
    small = builder.constant(np.array([1, 2]), "small")
    large = builder.constant(np.arange(1000), "large")
    assert small.type == TensorType(i64, [2])
    assert list(builder.network.weights) == ["large"]
    assert isinstance(large.owner, ReadOp)
    assert large.owner.symbol == "large"


def test_equal_weights_are_stored_once() -> None:
    """Equal to the last bit, scale and structure included; others get a number."""
    builder = builder_of()
    blocks = np.ones((2, 2, 2), np.int8)
    structure = BlockDiagonalAttr.of(blocks.shape, BLOCK_DIAGONAL)
    assert builder.weight(np.zeros(2, np.float32), "w") == "w"
    assert builder.weight(np.zeros(2, np.float32), "w") == "w"
    assert builder.weight(-np.zeros(2, np.float32), "w") == "w.1"
    assert builder.weight(blocks, "b", None, structure) == "b"
    assert builder.weight(blocks, "b", AffineAttr.of("s"), structure) == "b.1"
    assert builder.weight(blocks, "b") == "b.2"
    assert builder.weight(blocks, "b", AffineAttr.of("s"), structure) == "b.1"
    assert list(builder.network.weights) == ["w", "w.1", "b", "b.1", "b.2"]


def test_same_means_the_same_bits_type_and_shape() -> None:
    assert same(np.array([1, 2]), np.array([1, 2]))
    assert same(np.array([np.nan]), np.array([np.nan]))
    assert not same(np.array([0.0]), np.array([-0.0]))
    assert not same(np.array([1, 2], np.int8), np.array([1, 2], np.uint8))
    assert not same(np.array([1, 2]), np.array([[1, 2]]))


def test_a_cast_to_the_same_type_is_none() -> None:
    builder = builder_of()
    x = input_of(builder)
    assert builder.cast(x, f32) is x
    assert (computed(builder, builder.cast(x, i32)) == NUMBERS.astype(np.int32)).all()


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize("op_type", ["ReduceMin", "ReduceMax", "ReduceSum"])
def test_reductions_have_their_axes_where_the_operator_set_wants_them(op_type: str, opset: int) -> None:
    builder = builder_of(opset=opset)
    reduced = builder.reduce_last(op_type, input_of(builder))
    as_input = opset >= 18 or (op_type == "ReduceSum" and opset >= 13)
    assert len(digital(reduced).inputs) == 1 + as_input
    assert ("axes" in digital(reduced).setting) != as_input
    reduce = {"ReduceMin": np.min, "ReduceMax": np.max, "ReduceSum": np.sum}[op_type]
    assert (computed(builder, reduced) == reduce(NUMBERS, axis=-1, keepdims=True)).all()


def test_elementwise_and_clip() -> None:
    builder = builder_of()
    low, high = (builder.constant(np.array(limit, np.float32), "limit") for limit in (2, 5))
    clipped = builder.clip(input_of(builder), low, high)
    assert (computed(builder, builder.elementwise("Sub", clipped, low)) == NUMBERS.clip(2, 5) - 2).all()


def test_transpose() -> None:
    builder = builder_of()
    x = input_of(builder)
    assert builder.transpose(x, (0, 1, 2)) is x
    turned = builder.transpose(x, (2, 0, 1))
    assert turned.type == TensorType(f32, [4, 2, 3])
    assert (computed(builder, turned) == NUMBERS.transpose(2, 0, 1)).all()


def test_reshape_last() -> None:
    builder = builder_of()
    x = input_of(builder)
    assert builder.reshape_last(x, 2, [4]) is x
    split = builder.reshape_last(x, 2, [2, 2])
    assert split.type == TensorType(f32, [2, 3, 2, 2])
    assert (computed(builder, split) == NUMBERS.reshape(2, 3, 2, 2)).all()


def test_a_reshape_to_a_size_that_is_computed_stays() -> None:
    """The text of both types is the same, what they say at run time need not be."""
    builder = builder_of("tensor<2x?xf32>")
    x = input_of(builder)
    assert builder.reshape_last(x, 1, [DYNAMIC_INDEX]) is not x


@pytest.mark.parametrize("x", [X, "tensor<?x?x4xf32>"])
def test_pad_and_cut(x: str) -> None:
    builder = builder_of(x)
    padded = builder.pad_last(input_of(builder), 2)
    cut = builder.first_of_last(padded, 5)
    assert str(cut.type) == x.replace("x4x", "x5x")
    assert (computed(builder, cut) == np.pad(NUMBERS, ((0, 0), (0, 0), (0, 1)))).all()


def test_permute() -> None:
    builder = builder_of()
    x = input_of(builder)
    assert builder.permute(x, np.arange(4), "order") is x
    moved = builder.permute(x, np.array([3, 0]), "order")
    assert isinstance(moved.owner, PermuteOp)
    assert builder.network.array("order").dtype == np.int64
    assert (computed(builder, moved) == NUMBERS[..., [3, 0]]).all()


def test_the_identity_of_fewer_elements_is_a_permutation() -> None:
    builder = builder_of()
    assert isinstance(builder.permute(input_of(builder), np.arange(3), "first").owner, PermuteOp)


def test_without_a_rank_nothing_is_known_to_be_the_identity() -> None:
    builder = builder_of("tensor<*xf32>")
    assert isinstance(builder.permute(input_of(builder), np.arange(4), "order").owner, PermuteOp)


@pytest.mark.parametrize(("element", "product"), [("f32", f32), ("ui8", i32), ("i8", i32)])
def test_products_of_bytes_are_int32(element: str, product: Attribute) -> None:
    builder = builder_of(f"tensor<?x4x{element}>")
    assert builder.matmul(input_of(builder), "w", 6).type == TensorType(product, [DYNAMIC_INDEX, 6])


@pytest.mark.parametrize("x", [X, "tensor<?x?xf32>", "tensor<*xf32>"])
def test_vectors_that_may_have_the_length(x: str) -> None:
    builder = builder_of(x)
    check_vectors(input_of(builder), 4, builder.anchor)


def test_vectors_of_another_length() -> None:
    builder = builder_of()
    with pytest.raises(UserError) as error:
        check_vectors(input_of(builder), 5, builder.anchor)
    assert str(error.value) == "node '/relu' multiplies vectors of 4 by a weight of 5 rows"


def test_what_does_the_same_to_the_same_value_is_built_once() -> None:
    builder = builder_of()
    x = input_of(builder)
    padded, order = builder.pad_last(x, 2), np.array([2, 0, 1, 3])
    permuted = builder.permute(x, order, "order")
    assert builder.pad_last(x, 2) is padded
    assert builder.permute(x, order, "another name") is permuted
    assert builder.pad_last(x, 1) is not padded
    assert builder.pad_last(permuted, 2) is not padded
    assert builder.permute(x, order[::-1], "order") is not permuted


def test_what_stands_behind_is_not_there_yet() -> None:
    builder = builder_of()
    later = DigitalBuilder(builder.network, builder.network.returned).pad_last(input_of(builder), 2)
    assert builder.pad_last(input_of(builder), 2) is not later
