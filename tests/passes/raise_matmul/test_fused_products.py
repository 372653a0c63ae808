"""ONNX Runtime's own products: raised, they give the numbers of its kernels, to the last bit where these are whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import StringAttr

from dialects.cim import DigitalOp, MatmulOp
from dialects.network import Network
from passes.raise_matmul.fused_products import is_activation

Raised = Callable[..., Network]
Files = Callable[..., Path]
RNG = np.random.default_rng(0)
MICROSOFT = ', "com.microsoft" : 1'
TYPES = {np.dtype(np.float32): "float", np.dtype(np.uint8): "uint8", np.dtype(np.int8): "int8"}


def floats(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape, np.float32)


CONSTANTS: dict[str, NDArray[Any]] = {
    "w": RNG.integers(-128, 128, (4, 3)).astype(np.int8),
    "u": RNG.integers(0, 256, (4, 3)).astype(np.uint8),
    "wt": RNG.integers(-128, 128, (3, 4)).astype(np.int8),
    "f": floats(4, 3),
    "ft": floats(3, 4),
    "f3": floats(2, 4, 3),
    "fb": floats(4, 2, 3),
    "one": floats(1, 4, 3),
    "s": np.array(0.01, np.float32),
    "ss": np.array([0.01, 0.02, 0.03], np.float32),
    "z": np.array(-3, np.int8),
    "zs": np.array([1, -2, 3], np.int8),
    "zu": np.array(131, np.uint8),
    "zus": np.array([0, 255, 130], np.uint8),
    "b": floats(3),
    "c": np.array([100, -2000, 3], np.int32),
    "sy": np.array(0.05, np.float32),
}
INTEGERS = [
    "DynamicQuantizeMatMul(x, w, s)",
    "DynamicQuantizeMatMul(x, w, ss, zs)",
    "DynamicQuantizeMatMul(x, u, ss, zus, b)",
    "DynamicQuantizeMatMul(x, u, s, zu)",
    "MatMulIntegerToFloat(q, w, s, ss)",
    "MatMulIntegerToFloat(q, u, s, ss, zu, zus, b)",
    "MatMulIntegerToFloat(q, w, s, s, zu, z)",
    "QGemm(q2, s, zu, w, ss, zs, c, sy, zu)",
    "QGemm(q2, s, zu, u, s, zu)",
    "QGemm<transB = 1, alpha = 0.5>(q2, s, zu, wt, s, z, c)",
    "QGemm<transA = 1>(qt, s, zu, w, s, z, , sy, zu)",
]
FLOATS = [
    "FusedMatMul(x, f)",
    "FusedMatMul<alpha = 0.125, transB = 1>(x, ft)",
    "FusedMatMul<transA = 1>(xt, f)",
    "FusedMatMul<transA = 1, alpha = 2.0>(f, xl)",
    "FusedMatMul<transBatchA = 1>(xb, one)",
    "FusedMatMul<transBatchA = 1, transBatchB = 1>(xb, fb)",
    "FusedMatMul<transBatchA = 1, transA = 1>(xbt, f3)",
    "TransposeMatMul<transB = 1>(x, ft)",
    'FusedGemm<activation = "Relu">(x2, f, b)',
    'FusedGemm<transB = 1, alpha = 0.5, beta = 2.0, activation = "LeakyRelu", activation_alpha = 0.3>(x2, ft, b)',
    'FusedGemm<activation = "HardSigmoid", activation_alpha = 0.3, activation_beta = 0.4>(x2, f)',
]
INPUTS: dict[str, tuple[str, NDArray[Any]]] = {
    "x": ("t,n,4", floats(2, 5, 4)),
    "xt": ("t,4,n", floats(2, 4, 5)),
    "xl": ("t,4,n", floats(2, 4, 5)),
    "xb": ("n,2,4", floats(5, 2, 4)),
    "xbt": ("4,2,n", floats(4, 2, 5)),
    "x2": ("n,4", floats(5, 4)),
    "q": ("t,n,4", RNG.integers(0, 256, (2, 5, 4)).astype(np.uint8)),
    "q2": ("n,4", RNG.integers(0, 256, (5, 4)).astype(np.uint8)),
    "qt": ("4,n", RNG.integers(0, 256, (4, 5)).astype(np.uint8)),
}


def network(call: str, files: Files, raised_file: Raised) -> Network:
    """The raised network of one call, whose first name in `INPUTS` is the input."""
    names = call[call.rindex("(") + 1 : -1].replace(" ", "").split(",")
    (name,) = (name for name in names if name in INPUTS)
    dims, x = INPUTS[name]
    result = TYPES[x.dtype] if "sy" in names else "float"
    text = f"g ({TYPES[x.dtype]}[{dims}] {name}) => ({result} y) {{ y = com.microsoft.{call} }}"
    return raised_file(files(text, {n: CONSTANTS[n] for n in names if n in CONSTANTS}, domains=MICROSOFT), {name: x})


def is_raised(network: Network) -> bool:
    ops = list(network.body)
    kept = any(isinstance(op, DigitalOp) and not op.is_standard for op in ops)
    return any(isinstance(op, MatmulOp) for op in ops) and not kept


@pytest.mark.parametrize("call", INTEGERS)
def test_integers(call: str, onnx_file: Files, raised_file: Raised) -> None:
    """int8 and uint8 weights, zero points a tensor and a column, a bias before the scale and after it."""
    found = network(call, onnx_file, raised_file)
    assert is_raised(found)
    (product,) = (op for op in found.body if isinstance(op, MatmulOp))
    assert product.is_integer


@pytest.mark.parametrize("call", FLOATS)
def test_floats(call: str, onnx_file: Files, raised_file: Raised) -> None:
    """Factors that are transposed in every way, numbers that scale, and activations with their parameters."""
    assert is_raised(network(call, onnx_file, raised_file))


def test_products_of_activations_are_left_alone(onnx_file: Files, raised_file: Raised) -> None:
    file = onnx_file("g (float[4,4] x) => (float y) { y = com.microsoft.FusedMatMul(x, x) }", domains=MICROSOFT)
    assert not is_raised(raised_file(file, {"x": floats(4, 4)}))


def test_activations_that_onnx_has_not() -> None:
    """ONNX Runtime refuses them, and says so."""
    known, unknown, none = (
        DigitalOp("FusedGemm", [], [], {} if name is None else {"activation": StringAttr(name)})
        for name in ("Relu", "Swoosh", None)
    )
    assert [is_activation(op) for op in (known, unknown, none)] == [True, False, False]


def test_quantisation_by_the_operators_of_the_runtime(onnx_file: Files, raised_file: Raised) -> None:
    """Weights keep their integers, and activations are those of ONNX, which `quantize` knows."""
    m = "com.microsoft."
    text = f"""g (float[n,4] x) => (float y) {{
      q = {m}QuantizeLinear(x, s, zu)  d = {m}DequantizeLinear(q, s, zu)
      v = {m}DequantizeLinear<axis = 1>(u, ss, zus)  y = MatMul(d, v) }}"""
    names = ("s", "zu", "u", "ss", "zus")
    found = raised_file(onnx_file(text, {n: CONSTANTS[n] for n in names}, domains=MICROSOFT), {"x": floats(5, 4)})
    assert is_raised(found)
    (product,) = (op for op in found.body if isinstance(op, MatmulOp))
    np.testing.assert_array_equal(found.array(product.symbol).astype(np.int16) + 128, CONSTANTS["u"])
