"""Networks of operator sets 7 to 10 are lifted to 11: in bodies and functions too, and compiled like any other."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import load_model_from_string

from cimc.compiler import Compilation
from cimc.onnx_import.reader import read
from cimc.original import run_original
from dialects.errors import UserError

Write = Callable[..., Path]
Check = Callable[..., Compilation]
Lifted = Callable[..., list[str]]
X = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
W = np.arange(12, dtype=np.float32).reshape(4, 3)
BODIES = """g (float[5,4] x, bool c) => (float[5,4] y) {
    y = If (c) <then_branch = t () => (float[5,4] a) { a = Clip<min=-0.5>(x) },
                else_branch = e () => (float[5,4] b) { p = Pad<pads=[0,1,0,0],value=2.0>(x)
                                                       b = Slice<axes=[1],starts=[0],ends=[4]>(p) }>
}"""


@pytest.mark.parametrize("opset", [7, 8, 9, 10])
def test_compiled(opset: int, onnx_file: Write, compiled: Check) -> None:
    """The weight is on arrays; what runs is near the original."""
    text = "g (float[n,4] x) => (float[n,3] y) { m = MatMul(x, w) b = Add(m, c) y = Clip<min=-9.0,max=9.0>(b) }"
    constants = {"w": W, "c": np.ones(3, np.float32)}
    compilation = compiled(onnx_file(text, constants, opset=opset, ir=4), {"x": X})
    assert len(compilation.program.multiplications) == 1
    assert compilation.distance is not None
    assert compilation.distance.cosine is not None
    assert compilation.distance.cosine > 0.999


@pytest.mark.parametrize("condition", [False, True])
def test_bodies(condition: bool, onnx_file: Write, lifted_bits: Lifted) -> None:
    assert lifted_bits(onnx_file(BODIES, opset=9, ir=4), {"x": X, "c": np.array(condition)}) == ["If"]


def test_names_stay_apart(onnx_file: Write, lifted_bits: Lifted) -> None:
    """New values and nodes take no name that is there."""
    text = """g (float[n,4] x) => (float[n,4] z) {
        [node] y = Affine<alpha=2.0>(x)
        ["node Mul"] t = Neg(y)
        z = Add(t, y) }"""
    file = onnx_file(text, opset=9, ir=4)
    model = load_model_from_string(file.read_bytes())
    model.graph.node[1].output[0] = model.graph.node[2].input[0] = "y Mul"
    file.write_bytes(model.SerializeToString())
    lifted_bits(file, {"x": X})


def test_half_precision(onnx_file: Write, compiled: Check) -> None:
    text = "g (float16[n,4] x) => (float16[n,4] y) { t = Transpose(x) u = Transpose(t) y = Identity(u) }"
    x = X.astype(np.float16)
    file = onnx_file(text, opset=9, ir=4)
    compiled(file, {"x": x})
    assert np.array_equal(run_original(file, {"x": x})[0]["y"], x)


def test_nodes_fit_their_own_operator_set(onnx_file: Write) -> None:
    """What a node lacks is told of the operator as the file has it, and of what no ONNX has."""
    for text, message in (
        ("y = Slice<ends=[1]>(x)", "node 'y' (Slice) has no attribute 'starts', which its operator needs"),
        ("y = Crop(x)", "node 'y' (Crop) has no attribute 'border', which operator set 9 wants"),
    ):
        file = onnx_file(f"g (float[n,4] x) => (float[n,4] y) {{ {text} }}", opset=9, ir=4)
        with pytest.raises(UserError) as error:
            read(file, {})
        assert str(error.value) == f"{file}: {message}"
