"""Raised integer multiplications have the bits of the node they came from, float ones the same numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp, weight_op
from dialects.network import Network, main_block, operations
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.raise_matmul.raise_matmul import RaiseMatmulPass

Array = NDArray[Any]
NAMES = {"uint8": "ui8", "int8": "i8", "int32": "i32", "float32": "f32", "float64": "f64", "float16": "f16"}


def type_of(array: Array) -> str:
    return f"tensor<{'x'.join([*map(str, array.shape), NAMES[array.dtype.name]])}>"


def outputs(
    node: str, constants: dict[str, Array], x: Array, result: str, lines: str = ""
) -> tuple[Array, Array, ModuleOp]:
    """What `node` makes of the input before the pass and after it, and the module after it.

    `node` is the text of an operator with `%x` and the names of constants as inputs; `result` is its type; `lines` are
    operators in front of it.
    """
    store = WeightStore()
    context = make_context(store)
    reads = "\n".join(f"  %{name} = cim.read @{name} : {type_of(array)}" for name, array in constants.items())
    module = Parser(
        context,
        f"""
func.func @main(%x: {type_of(x)}) -> {result} {{
{reads}
  %none = cim.none : none
  {lines}
  %y = {node}
  func.return %y : {result}
}}""",
    ).parse_module()
    for name, array in constants.items():
        Network(module, store).add_weight(weight_op(name, array, store))
    (before,) = run_graph(network_model(Network(module, store)), {"input0": x}).values()
    RaiseMatmulPass().apply(context, module)
    module.verify()
    (after,) = run_graph(network_model(Network(module, store)), {"input0": x}).values()
    return before, after, module


def call(op_type: str, inputs: Sequence[tuple[str, Array | None]], result: str, with_: str = "") -> str:
    """The text of an operator; an absent input is (`none`, None)."""
    names = ", ".join(f"%{name}" for name, _ in inputs)
    types = ", ".join("none" if array is None else type_of(array) for _, array in inputs)
    return f'cim.digital "{op_type}"({names}){with_} : ({types}) -> {result}'


def is_raised(module: ModuleOp, op_type: str) -> bool:
    ops = list(operations(main_block(module)))
    return any(isinstance(op, MatmulOp) for op in ops) and not any(
        isinstance(op, DigitalOp) and op.is_a(op_type) for op in ops
    )


# Integers.

BYTES = (np.dtype(np.uint8), np.dtype(np.int8))


def numbers(kind: np.dtype[Any]) -> st.SearchStrategy[int]:
    """All numbers of a byte, often those at the ends."""
    limits = np.iinfo(kind)
    return st.sampled_from([int(limits.min), int(limits.max), 0]) | st.integers(int(limits.min), int(limits.max))


def matrices(kind: np.dtype[Any], rows: int, columns: int) -> st.SearchStrategy[Array]:
    filled = numbers(kind).map(lambda value: np.full((rows, columns), value, kind))
    return filled | hnp.arrays(kind, (rows, columns), elements=numbers(kind))


def zero_points(kind: np.dtype[Any], several: tuple[int, ...]) -> st.SearchStrategy[Array]:
    return st.sampled_from([(), several]).flatmap(lambda shape: hnp.arrays(kind, shape, elements=numbers(kind)))


@st.composite
def products(draw: st.DrawFn) -> tuple[Array, Array, Array | None, Array | None]:
    """x, w, and zero points of both: absent, scalar, [1], or one for each column of w."""
    # ONNX Runtime has no kernel for uint8 weights and int8 inputs.
    kind_x, kind_w = draw(st.sampled_from([(x, w) for x in BYTES for w in BYTES if (x, w) != (BYTES[1], BYTES[0])]))
    k, n = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    x, w = draw(matrices(kind_x, 3, k)), draw(matrices(kind_w, k, n))
    zero_x = draw(st.none() | zero_points(kind_x, (1,)))
    return x, w, zero_x, draw(st.none() | zero_points(kind_w, (n,)))


@settings(max_examples=40, deadline=None)
@given(products())
def test_matmul_integer_keeps_every_bit(product: tuple[Array, Array, Array | None, Array | None]):  # N15
    x, w, zero_x, zero_w = product
    result = f"tensor<3x{w.shape[1]}xi32>"
    zeros = [("none" if zero is None else name, zero) for name, zero in (("zx", zero_x), ("zw", zero_w))]
    inputs = [("x", x), ("w", w), *zeros]
    constants = {name: array for name, array in inputs[1:] if array is not None}
    before, after, module = outputs(call("MatMulInteger", inputs, result), constants, x, result)
    assert is_raised(module, "MatMulInteger")
    assert before.dtype == after.dtype
    assert before.tolist() == after.tolist()


scales = st.sampled_from([2.0**-8, 0.5, 1.0, 0.1, 3.7, 1e-3, 250.0])


@settings(max_examples=40, deadline=None)
@given(products(), st.data())
def test_qlinear_matmul_keeps_every_bit(product: tuple[Array, Array, Array | None, Array | None], data: st.DataObject):
    x, w, zero_x, zero_w = product
    zero_x = np.zeros((), x.dtype) if zero_x is None else zero_x.reshape(())
    per_column = data.draw(st.booleans())
    shape = (w.shape[1],) if per_column else ()
    zero_w = np.full(shape, 0 if zero_w is None else zero_w.reshape(-1)[0], w.dtype)
    zero_y = np.array(data.draw(numbers(x.dtype)), x.dtype)
    scale_x, scale_y = (np.array(data.draw(scales), np.float32) for _ in range(2))
    scale_w = np.array(data.draw(st.lists(scales, min_size=w.shape[1], max_size=w.shape[1])), np.float32)
    scale_w = scale_w if per_column else scale_w[0].reshape(())
    constants = {"sx": scale_x, "zx": zero_x, "w": w, "sw": scale_w, "zw": zero_w, "sy": scale_y, "zy": zero_y}
    result = f"tensor<3x{w.shape[1]}x{NAMES[x.dtype.name]}>"
    before, after, module = outputs(call("QLinearMatMul", [("x", x), *constants.items()], result), constants, x, result)
    assert is_raised(module, "QLinearMatMul")
    assert before.dtype == after.dtype
    assert before.tolist() == after.tolist()


def test_sums_wrap_around_as_int32_does():
    """65536 rows of 255 * 127 are more than int32 holds."""
    x, w = np.full((1, 70000), 255, np.uint8), np.full((70000, 1), 127, np.int8)
    result = "tensor<1x1xi32>"
    before, after, _ = outputs(call("MatMulInteger", [("x", x), ("w", w)], result), {"w": w}, x, result)
    assert after.tolist() == before.tolist() == [[(255 * 127 * 70000 + 2**31) % 2**32 - 2**31]]


# Floats: numbers for which every order of additions gives the same sum.

GENERATOR = np.random.default_rng(0)


def whole(*shape: int, kind: str = "float32") -> Array:
    return GENERATOR.integers(-8, 8, shape).astype(kind)


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 1, 3, 4)])
def test_constant_on_the_right(kind: str, shape: tuple[int, ...]):
    x, w = whole(*shape, kind=kind), whole(4, 5, kind=kind)
    result = type_of(x @ w)
    before, after, module = outputs(call("MatMul", [("x", x), ("w", w)], result), {"w": w}, x, result)
    assert is_raised(module, "MatMul")
    assert (before == after).all()
    assert (after == x @ w).all()


@pytest.mark.parametrize("shape", [(4, 3), (2, 4, 3), (2, 1, 4, 3)])
def test_constant_on_the_left(shape: tuple[int, ...]):
    x, w = whole(*shape), whole(5, 4)
    result = type_of(w @ x)
    _, after, module = outputs(call("MatMul", [("w", w), ("x", x)], result), {"w": w}, x, result)
    assert is_raised(module, "MatMul")
    assert (after == w @ x).all()


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize(("alpha", "beta"), [(1.0, 1.0), (2.0, 0.5), (0.0, -4.0)])
@pytest.mark.parametrize("bias", [None, (), (5,), (1, 5), (3, 1), (3, 5)])
def test_gemm(trans_a: int, trans_b: int, alpha: float, beta: float, bias: tuple[int, ...] | None):
    a, b = whole(3, 4), whole(4, 5)
    c = None if bias is None else whole(*bias)
    expected = alpha * (a @ b) + (0 if c is None else beta * c)
    x, w = np.ascontiguousarray(a.T if trans_a else a), np.ascontiguousarray(b.T if trans_b else b)
    with_ = f" with {{transA = {trans_a} : i64, transB = {trans_b} : i64, alpha = {alpha} : f32, beta = {beta} : f32}}"
    inputs = [("x", x), ("w", w), *([] if c is None else [("c", c)])]
    constants = {"w": w} if c is None else {"w": w, "c": c}
    result = "tensor<3x5xf32>"
    _, after, module = outputs(call("Gemm", inputs, result, with_), constants, x, result)
    assert is_raised(module, "Gemm")
    assert (after == expected).all()


@pytest.mark.parametrize("spatial", [(5,), (5, 4), (2, 3, 2)])
@pytest.mark.parametrize("biased", [False, True])
def test_pointwise_convolution(spatial: tuple[int, ...], biased: bool):
    x, w, b = whole(2, 4, *spatial), whole(3, 4, *[1] * len(spatial)), whole(3)
    result = type_of(whole(2, 3, *spatial))
    constants = {"w": w, "b": b} if biased else {"w": w}
    node = call("Conv", [("x", x), *constants.items()], result)
    before, after, module = outputs(node, constants, x, result)
    assert is_raised(module, "Conv")
    assert (before == after).all()


# Dequantised weights.


@pytest.mark.parametrize("kind", ["int8", "uint8"])
@pytest.mark.parametrize("axis", [None, 1, 0, -1, -2])
@pytest.mark.parametrize("zero", [None, 0, 3, "ends"])
@pytest.mark.parametrize("transposed", [False, True])
def test_dequantise_linear(kind: str, axis: int | None, zero: int | str | None, transposed: bool):
    limits = np.iinfo(kind)
    w = GENERATOR.integers(limits.min, limits.max, (4, 5), endpoint=True).astype(kind)
    count = 1 if axis is None else w.shape[axis]
    scale = 2.0 ** GENERATOR.integers(-3, 3, count)
    ends = np.resize([limits.min, limits.max], count)
    points = ends if zero == "ends" else np.full(count, zero or 0)
    shape = () if axis is None else (count,)
    constants: dict[str, Array] = {"w": w, "s": scale.astype(np.float32).reshape(shape)}
    if zero is not None:
        constants["z"] = points.astype(kind).reshape(shape)
    broadcast = (1, -1) if axis is None or axis % 2 else (-1, 1)
    floats = ((w.astype(np.float32) - points.reshape(broadcast)) * scale.reshape(broadcast)).astype(np.float32)
    x = whole(3, 5 if transposed else 4)
    expected = x @ (floats.T if transposed else floats)
    with_ = "" if axis is None else f" with {{axis = {axis} : i64}}"
    lines = "%d = " + call("DequantizeLinear", list(constants.items()), "tensor<4x5xf32>", with_)
    lines += '\n  %t = cim.digital "Transpose"(%d) : (tensor<4x5xf32>) -> tensor<5x4xf32>'
    result = f"tensor<3x{expected.shape[1]}xf32>"
    node = call("MatMul", [("x", x), ("t", floats.T) if transposed else ("d", floats)], result)
    before, after, module = outputs(node, constants, x, result, lines)
    assert is_raised(module, "MatMul")
    assert (after == expected).all()
    assert (before == expected).all()


@pytest.mark.parametrize("columns", [(), (1,), (5,), (1, 5), (4, 1), (1, 1), (4, 5)])
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_cast_and_multiply(columns: tuple[int, ...], swap: bool, kind: str):
    limits = np.iinfo(kind)
    w = GENERATOR.integers(limits.min, limits.max, (4, 5), endpoint=True).astype(kind)
    scale = (2.0 ** GENERATOR.integers(-3, 3, columns)).astype(np.float32)
    x = whole(3, 4)
    expected = x @ (w.astype(np.float32) * scale)
    factors = [("c", w.astype(np.float32)), ("s", scale)]
    lines = (
        f'%c = cim.digital "Cast"(%w) with {{to = 1 : i64}} : ({type_of(w)}) -> tensor<4x5xf32>\n'
        f"  %m = {call('Mul', factors[::-1] if swap else factors, 'tensor<4x5xf32>')}"
    )
    node = f'cim.digital "MatMul"(%x, %m) : ({type_of(x)}, tensor<4x5xf32>) -> tensor<3x5xf32>'
    before, after, module = outputs(node, {"w": w, "s": scale}, x, "tensor<3x5xf32>", lines)
    assert is_raised(module, "MatMul")
    assert (after == expected).all()
    assert (before == expected).all()
