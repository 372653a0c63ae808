"""Activations that were quantised by the network itself keep their integers on the way to a convolution."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp
from dialects.network import Network, operations
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.quantize.quantize import QuantizePass

GENERATOR = np.random.default_rng(0)
KERNEL = GENERATOR.integers(-128, 128, (6, 2, 3, 3)).astype(np.int8)
X = GENERATOR.integers(0, 256, (2, 4, 7, 6)).astype(np.uint8)


def quantised(file: Path) -> Network:
    context = make_context(WeightStore())
    module = import_onnx(context, file, load_chip("tiny-4"))
    QuantizePass().apply(context, module)
    module.verify()
    return Network.of(context, module)


@pytest.mark.parametrize("zero", [np.uint8(131), np.array([7], np.uint8), None])
def test_the_border_of_integers_is_their_zero_point(
    zero: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None, onnx_file: Callable[..., Path]
) -> None:
    names = "q, s" if zero is None else "q, s, z"
    text = f"""g (uint8[n,4,h,w] q) => (float[n,6,a,b] y) {{
        x = DequantizeLinear({names})  k = DequantizeLinear<axis = 0>(w8, sw)
        y = Conv<group = 2, pads = [1,1,2,0]>(x, k) }}"""
    constants = {
        "s": np.float32(0.5),
        "w8": KERNEL,
        "sw": (2.0 ** np.arange(-3.0, 3)).astype(np.float32),
        **({} if zero is None else {"z": zero}),
    }
    file = onnx_file(text, {n: np.asarray(a) for n, a in constants.items()})
    network = quantised(file)
    operators = [op.op_type.data for op in operations(network.block) if isinstance(op, DigitalOp)]
    assert not {"DequantizeLinear", "Round", "ReduceMax"} & set(operators)
    (y,) = run_graph(network_model(network), {"q": X}).values()
    (expected,) = ort.InferenceSession(file.read_bytes()).run(None, {"q": X})
    assert np.array_equal(y, expected)  # sums of powers of two times integers are exact


@pytest.mark.parametrize(
    ("between", "kept"),
    [
        ("h = Transpose<perm = [0,2,1]>(x)", True),
        ("h = Pad(x, p, nought)", True),
        ('h = Pad<mode = "edge">(x, p)', True),
        ("h = Pad(x, p, one)", False),
        ("h = Relu(x)", False),
    ],
)
def test_other_data_movement(between: str, kept: bool, onnx_file: Callable[..., Path]) -> None:
    text = f"""g (uint8[2,4,4] q) => (float[2,a,3] y) {{ x = DequantizeLinear(q, s, z) {between}  y = MatMul(h, w) }}"""
    constants = {
        "s": np.array(0.5, np.float32),
        "z": np.array(9, np.uint8),
        "p": np.array([0, 1, 0, 0, 1, 0]),
        "nought": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "w": GENERATOR.standard_normal((4, 3)).astype(np.float32),
    }
    network = quantised(onnx_file(text, {name: array for name, array in constants.items() if name in text}))
    operators = [op.op_type.data for op in operations(network.block) if isinstance(op, DigitalOp)]
    assert ("DequantizeLinear" not in operators) == kept
    assert [op.is_integer for op in operations(network.block) if isinstance(op, MatmulOp)] == [True]
    x = GENERATOR.integers(0, 256, (2, 4, 4)).astype(np.uint8)
    (y,) = run_graph(network_model(network), {"q": x}).values()
    assert np.isfinite(y).all()
