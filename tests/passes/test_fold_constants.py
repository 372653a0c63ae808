"""Folding gives the numbers that ONNX Runtime would compute, and leaves what it must."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import ConstantOp, DigitalOp, ReadOp, weight_op
from dialects.network import Network, main_block, operations, weights_of
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore, store_of
from passes.fold_constants import FoldConstantsPass

Array = NDArray[Any]


def network(body: str, result: str, x: str = "tensor<2x3x5xf32>", **weights: Array) -> tuple[ModuleOp, Context]:
    context = make_context(WeightStore())
    text = f"func.func @main(%x: {x}) -> {result} {{\n{body}\n  func.return %y : {result}\n}}"
    module = Parser(context, text).parse_module()
    for name, array in weights.items():
        Network.of(context, module).add_weight(weight_op(name, array, store_of(context)))
    return module, context


def run(module: ModuleOp, context: Context) -> Array:
    x = np.arange(30, dtype=np.float32).reshape(2, 3, 5)
    (found,) = run_graph(network_model(Network.of(context, module)), {"input0": x}).values()
    return found


def folded(module: ModuleOp, context: Context) -> int:
    """How many operators are left after the pass, which must not change the output."""
    expected = run(module, context)
    FoldConstantsPass().apply(context, module)
    module.verify()
    found = run(module, context)
    assert (found.dtype, found.shape, found.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())
    return sum(isinstance(op, DigitalOp) for op in operations(main_block(module)))


ends = st.none() | st.integers(-5, 5)


@settings(max_examples=40, deadline=None)
@given(ends, ends)
def test_part_of_a_shape(start: int | None, end: int | None):
    length = len((2, 3, 5)[start:end])
    given_ends = [f"{n} = {v} : i64" for n, v in (("start", start), ("end", end)) if v is not None]
    with_ = f" with {{{', '.join(given_ends)}}}" if given_ends else ""
    body = f'  %y = cim.digital "Shape"(%x){with_} : (tensor<2x3x5xf32>) -> tensor<{length}xi64>'
    assert folded(*network(body, f"tensor<{length}xi64>")) == 0


def test_large_constants_come_from_the_store_and_go_to_it():
    w = np.random.default_rng(0).standard_normal((20, 30)).astype(np.float32)
    body = """
  %w = cim.read @w : tensor<20x30xf32>
  %shape = cim.constant dense<[30, 4, 5]> : tensor<3xi64>
  %t = cim.digital "Transpose"(%w) : (tensor<20x30xf32>) -> tensor<30x20xf32>
  %y = cim.digital "Reshape"(%t, %shape) : (tensor<30x20xf32>, tensor<3xi64>) -> tensor<30x4x5xf32>"""
    module, context = network(body, "tensor<30x4x5xf32>", w=w)
    assert folded(module, context) == 0
    assert list(weights_of(module)) == ["y"]
    assert (run(module, context) == w.T.reshape(30, 4, 5)).all()


def test_numbers_that_are_not_finite_and_types_beyond_numpy():
    body = """
  %v = cim.constant dense<[-1.0, 0.0, 1.0]> : tensor<3xf32>
  %log = cim.digital "Log"(%v) : (tensor<3xf32>) -> tensor<3xf32>
  %y = cim.digital "Cast"(%log) with {to = 10 : i64} : (tensor<3xf32>) -> tensor<3xf16>"""
    module, context = network(body, "tensor<3xf16>")
    assert folded(module, context) == 0
    assert np.isnan(run(module, context)[0])


def test_a_constant_may_be_the_output():
    module, context = network("  %y = cim.constant dense<7> : tensor<i64>", "tensor<i64>")
    assert folded(module, context) == 0
    assert isinstance(Network(module, WeightStore()).outputs[0][0].owner, ConstantOp)


@pytest.mark.parametrize(("elements", "left"), [(1 << 18, 0), ((1 << 18) + 1, 1)])
def test_results_that_grow_too_much_are_left(elements: int, left: int):
    body = f"""
  %n = cim.constant dense<{elements}> : tensor<1xi64>
  %y = cim.digital "ConstantOfShape"(%n) : (tensor<1xi64>) -> tensor<{elements}xf32>"""
    assert folded(*network(body, f"tensor<{elements}xf32>")) == left


def test_equal_results_are_one_weight():
    w = np.arange(64, dtype=np.float32)
    body = """
  %w = cim.read @w : tensor<64xf32>
  %v = cim.digital "Neg"(%w) : (tensor<64xf32>) -> tensor<64xf32>
  %v_1 = cim.digital "Neg"(%w) : (tensor<64xf32>) -> tensor<64xf32>
  %s = cim.digital "Identity"(%v_1) : (tensor<64xf32>) -> tensor<64xf32>
  %k = cim.digital "ReduceSum"(%x) with {keepdims = 0 : i64} : (tensor<2x3x5xf32>) -> tensor<f32>
  %a = cim.digital "Mul"(%v, %k) : (tensor<64xf32>, tensor<f32>) -> tensor<64xf32>
  %y = cim.digital "Add"(%a, %s) : (tensor<64xf32>, tensor<64xf32>) -> tensor<64xf32>"""
    module, context = network(body, "tensor<64xf32>", w=w)
    assert folded(module, context) == 3
    assert len({op.weight for op in main_block(module).ops if isinstance(op, ReadOp)}) == 1


def test_the_shape_of_a_number_is_empty():
    module, context = network(
        """
  %y = cim.digital "Shape"(%x) : (tensor<f32>) -> tensor<0xi64>""",
        "tensor<0xi64>",
        "tensor<f32>",
    )
    FoldConstantsPass().apply(context, module)
    assert not any(isinstance(op, DigitalOp) for op in operations(main_block(module)))


def test_limits_that_are_vectors_of_one_number() -> None:
    """As a branch of an `If` may give them: ONNX Runtime wants scalars where it knows the shape."""
    module, context = network(
        """%zero = cim.constant dense<0> : tensor<i64>
           %one = cim.constant dense<1> : tensor<i64>
           %three = cim.constant dense<3> : tensor<1xi64>
           %y = cim.digital "Range"(%zero, %three, %one)
                : (tensor<i64>, tensor<1xi64>, tensor<i64>) -> tensor<?xi64>""",
        "tensor<?xi64>",
    )
    FoldConstantsPass().apply(context, module)
    (limits,) = [op for op in operations(main_block(module)) if isinstance(op, DigitalOp)]
    assert all(str(value.type) == "tensor<i64>" for value in limits.inputs)
    assert run(module, context).tolist() == [0, 1, 2]


def test_a_reshape_to_a_computed_shape():
    """Its type tells no dimension, but its bytes are those of the constant."""
    body = """  %w = cim.read @w : tensor<1x5x4xf32>
  %end = cim.constant dense<4> : tensor<1xi64>
  %start = cim.constant dense<-1> : tensor<1xi64>
  %shape = cim.digital "Concat"(%start, %end) with {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %m = cim.digital "Reshape"(%w, %shape) : (tensor<1x5x4xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %y = cim.digital "MatMul"(%x, %m) : (tensor<2x3x5xf32>, tensor<?x?xf32>) -> tensor<2x3x?xf32>"""
    weight = np.arange(20, dtype=np.float32).reshape(1, 5, 4)
    assert folded(*network(body, "tensor<2x3x?xf32>", w=weight)) == 1
