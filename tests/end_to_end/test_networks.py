"""Small networks of every kind: the program has the bits of the reference network, and multiplies where it should."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from cimc.compiler import Compilation
from dialects.element_types import Array

Write = Callable[..., Path]
Check = Callable[..., Compilation]

GENERATOR = np.random.default_rng(0)


def floats(*shape: int) -> Array:
    return GENERATOR.standard_normal(shape).astype(np.float32)


W, V, SQUARE = floats(4, 3), floats(3, 2), floats(4, 4)
IN = "g (float[n,4] x) => (float[n,m] y)"

MULTIPLICATIONS: dict[str, tuple[str, dict[str, Array], int]] = {
    "constant on the right": (f"{IN} {{ y = MatMul(x, w) }}", {"w": W}, 1),
    "constant on the left": ("g (float[b,3,n] x) => (float[b,4,n] y) { y = MatMul(w, x) }", {"w": W}, 1),
    "vector on the left": ("g (float[4] x) => (float[3] y) { y = MatMul(x, w) }", {"w": W}, 1),
    "vector on the right": ("g (float[3] x) => (float[4] y) { y = MatMul(w, x) }", {"w": W}, 1),
    "constant vector": ("g (float[n,4] x) => (float[n] y) { y = MatMul(x, w) }", {"w": floats(4)}, 1),
    "two vectors": ("g (float[4] x) => (float y) { y = MatMul(x, w) }", {"w": floats(4)}, 1),
    "two constants": (
        "g (float[2,3] x) => (float[2,3] y) { c = MatMul(a, w) y = Add(x, c) }",
        {"a": floats(2, 4), "w": W},
        0,
    ),
    "matrices of a batch": ("g (float[2,s,4] x) => (float[2,s,3] y) { y = MatMul(x, w) }", {"w": floats(2, 4, 3)}, 1),
    "one after the other": (f"{IN} {{ h = MatMul(x, w) y = MatMul(h, v) }}", {"w": W, "v": V}, 2),
    "one weight twice": (f"{IN} {{ h = MatMul(x, w) y = MatMul(h, w) }}", {"w": SQUARE}, 2),
    "one weight both ways": (f"{IN} {{ h = MatMul(x, w) y = Gemm<transB=1>(h, w) }}", {"w": W}, 2),
    "constant node": (
        "g (float[n,2] x) => (float[n,1] y) { w = Constant<value=float[2,1] {1, -2}>() y = MatMul(x, w) }",
        {},
        1,
    ),
    "double": ("g (double[n,4] x) => (double[n,3] y) { y = MatMul(x, w) }", {"w": W.astype(np.float64)}, 1),
    "half": ("g (float16[n,4] x) => (float16[n,3] y) { y = MatMul(x, w) }", {"w": W.astype(np.float16)}, 1),
    "pointwise convolution": (
        "g (float[n,4,2,2] x) => (float[n,3,2,2] y) { y = Conv(x, w, b) }",
        {"w": floats(3, 4, 1, 1), "b": floats(3)},
        1,
    ),
    "convolution": ("g (float[n,4,3,3] x) => (float[n,2,1,1] y) { y = Conv(x, w) }", {"w": floats(2, 4, 3, 3)}, 1),
    "no output column": ("g (float[n,4] x) => (float[n,0] y) { y = MatMul(x, w) }", {"w": floats(4, 0)}, 0),
    "no constant": ("g (float[n,4] x) => (float[n,n] y) { t = Transpose(x) y = MatMul(x, t) }", {}, 0),
    "no multiplication": (f"{IN} {{ y = Softmax(x) }}", {}, 0),
    "no node": ("g (float[n,4] x) => (float[n,4] x) { }", {}, 0),
    "constant output": ("g (float[n,4] x) => (float[n,4] y, float[4,3] w) { y = Neg(x) }", {"w": W}, 0),
    "no input": ("g () => (float[2,3] y) { y = MatMul(x, w) }", {"x": floats(2, 4), "w": W}, 0),
    "identity": (f"{IN} {{ h = MatMul(x, w) z = Identity(h) y = Identity(z) }}", {"w": W}, 1),
    "scalar": ("g (float x) => (float y) { y = Neg(x) }", {}, 0),
}


@pytest.mark.parametrize("name", MULTIPLICATIONS)
def test_multiplications_by_constants_go_to_arrays(name: str, onnx_file: Write, compiled: Check) -> None:
    text, constants, multiplications = MULTIPLICATIONS[name]
    assert len(compiled(onnx_file(text, constants), verify_each=True).program.multiplications) == multiplications


@pytest.mark.parametrize("constant", ["A", "B"])
@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize(
    ("alpha", "beta", "bias"), [(1.0, 1.0, (3,)), (0.5, 2.0, (2, 1)), (0.0, 1.0, ()), (2.0, 0.0, None)]
)
def test_gemm(
    constant: str,
    trans_a: int,
    trans_b: int,
    alpha: float,
    beta: float,
    bias: tuple[int, ...] | None,
    onnx_file: Write,
    compiled: Check,
) -> None:
    a, b = floats(*((4, 2) if trans_a else (2, 4))), floats(*((3, 4) if trans_b else (4, 3)))
    shape = list((a if constant == "B" else b).shape)
    node = f"Gemm<transA={trans_a}, transB={trans_b}, alpha={alpha}, beta={beta}>"
    names = ("x, w" if constant == "B" else "w, x") + ("" if bias is None else ", c")
    constants = {"w": b if constant == "B" else a} | ({} if bias is None else {"c": floats(*bias)})
    file = onnx_file(f"g (float{shape} x) => (float[2,3] y) {{ y = {node}({names}) }}", constants)
    assert len(compiled(file).program.multiplications) == 1


@pytest.mark.parametrize("opset", range(11, 29))
@pytest.mark.parametrize("activations", ["token", "tensor"])
def test_every_operator_set(opset: int, activations: str, onnx_file: Write, compiled: Check) -> None:
    text = f"{IN} {{ h = MatMul(x, w) g = Gemm<alpha=0.5, transB=1>(h, v, b) y = Softmax<axis=1>(g) }}"
    file = onnx_file(text, {"w": W, "v": V.T.copy(), "b": floats(2)}, opset=opset)
    assert len(compiled(file, activations=activations).program.multiplications) == 2


CONTROL_FLOW: dict[str, tuple[str, dict[str, Array], int]] = {
    "branches that use values and constants from outside, and their own of one name": (
        """g (float[n,4] x) => (float[n,2] y) {
            s = ReduceSum<keepdims=0>(x)  zero = Constant<value_float=0.0>()  c = Greater(s, zero)  h = MatMul(x, w)
            z = If(c) <then_branch = t () => (float[n,3] o) <float[3] k = {1, 2, 3}> { p = Neg(h)  o = Add(p, k) },
                       else_branch = e () => (float[n,3] o) <float[3] k = {-1, 0, 1}> { o = Add(h, k) }>
            y = MatMul(z, v)
        }""",
        {"w": W, "v": V},
        2,
    ),
    "a loop that carries a value, with an absent condition": (
        """g (float[n,4] x) => (float[n,2] y, float[k,n,3] all) {
            h = MatMul(x, w)  trips = Constant<value_int=3>()
            last, all = Loop(trips, , h) <
                body = b (int64 i, bool c, float[n,3] a) => (bool d, float[n,3] r, float[n,3] o)
                <float[3] step = {0.5, 1, 2}> { d = Identity(c)  r = Add(a, step)  o = Mul(r, step) }>
            y = MatMul(last, v)
        }""",
        {"w": W, "v": V},
        2,
    ),
    "a scan": (
        """g (float[n,4] x) => (float[4] last, float[n,3] y) {
            start = Constant<value_floats=[0.0, 1.0, 2.0, 3.0]>()
            last, sums = Scan<num_scan_inputs=1, body = b (float[4] s, float[4] e) => (float[4] t, float[4] o)
                { t = Add(s, e)  o = Mul(t, e) }>(start, x)
            y = MatMul(sums, w)
        }""",
        {"w": W},
        1,
    ),
    "a branch in a loop": (
        """g (float[4,4] x) => (float[4,3] y) {
            trips = Constant<value_int=3>()  one = Constant<value_int=1>()  yes = Cast<to=9>(one)
            last = Loop(trips, yes, x) <body = b (int64 i, bool c, float[4,4] a) => (bool d, float[4,4] r) {
                d = Identity(c)
                r = If(c) <then_branch = t () => (float[4,4] o) { o = Add(a, x) },
                           else_branch = e () => (float[4,4] o) { o = Sub(a, x) }>
            }>
            y = MatMul(last, w)
        }""",
        {"w": W},
        1,
    ),
    "a local function in another, with an attribute": (
        """g (float[n,4] x) => (float[n,2] y) { h = f.Outer<slope=0.3>(x, w)  y = f.Inner(h, v) }
        <domain: "f", opset_import: ["" : 17]> Inner (a, b) => (c) { p = MatMul(a, b)  c = Relu(p) }
        <domain: "f", opset_import: ["" : 17, "f" : 1]> Outer<slope>(a, b) => (c) {
            d = LeakyRelu<alpha: float = @slope>(a)  c = f.Inner(d, b) }""",
        {"w": W, "v": V},
        2,
    ),
    "a sequence between two multiplications": (
        """g (float[n,4] x) => (float[n,2] y) {
            h = MatMul(x, w)  s = SplitToSequence<axis=1>(h)  t = ConcatFromSequence<axis=1>(s)  y = MatMul(t, v)
        }""",
        {"w": W, "v": V},
        2,
    ),
    "an absent optional input": (
        f"{IN} {{ h = MatMul(x, w)  top = Constant<value_float=0.5>()  y = Clip(h, , top) }}",
        {"w": W},
        1,
    ),
    "an operator of ONNX Runtime between two multiplications": (
        """g (float[n,4] x) => (float[n,2] y) {
            h = MatMul(x, w)  k = com.microsoft.SkipLayerNormalization(h, h, b)  y = MatMul(k, v)
        }""",
        {"w": W, "b": floats(3), "v": V},
        2,
    ),
}


@pytest.mark.parametrize("name", CONTROL_FLOW)
def test_control_flow_and_other_forms(name: str, onnx_file: Write, compiled: Check) -> None:
    text, constants, multiplications = CONTROL_FLOW[name]
    file = onnx_file(text, constants, domains=', "com.microsoft" : 1, "f" : 1')
    assert len(compiled(file, verify_each=True).program.multiplications) == multiplications


def test_texts(onnx_file: Write, compiled: Check) -> None:
    text = "g (string[n] x) => (float[n] y, string[2] k) { e = Equal(x, a)  y = Cast<to=1>(e) }"
    constants = {"a": np.array(["ä"], np.object_), "k": np.array(["ä", "b"], np.object_)}
    program = compiled(onnx_file(text, constants, opset=19), {"x": np.array(["ä", "b"], np.object_)}).program
    assert [value.dtype for value in (*program.inputs, *program.outputs)] == ["string", "float32", "string"]


@pytest.mark.parametrize("shape", [(4,), (5, 4), (2, 3, 4), (0, 4)])
def test_an_input_of_any_rank(shape: tuple[int, ...], onnx_file: Write, compiled: Check) -> None:
    file = onnx_file("g (float[] x) => (float[] y) { y = MatMul(x, w) }", {"w": W})
    compilation = compiled(file, {"x": floats(*shape)})
    assert compilation.program.inputs[0].shape is None
    assert str(compilation.distance).startswith("not measured: input x may have any number of dimensions")


@pytest.mark.parametrize(
    "name", ["/a/b:c", "名前 ü", "quote\"s'", "line\nbreak", "%x", "@w", "back\\slash", "0", "v0", "constant0", "x{y}"]
)
def test_any_name(name: str, compiled: Check, tmp_path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", [name, f"{name}w"], [f"{name}h"], name),
            helper.make_node("Abs", [f"{name}h"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [f"{name}n", 40])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(floats(40, 50), f"{name}w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "network.onnx").write_bytes(model.SerializeToString())
    program = compiled(tmp_path / "network.onnx", keep_ir=tmp_path / "ir").program
    assert program.multiplications[0].node == name
    assert [value.name for value in program.inputs] == [name]
