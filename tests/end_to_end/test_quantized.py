"""An attention block as ONNX Runtime quantises it: networks of integers keep their bits, others get the reference's."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper, parser
from onnxruntime import quantization

from cimc.compiler import Compilation
from cimc.machine.check import compare
from cimc.machine.machine import Machine
from cimc.original import run_original
from dialects.element_types import Array

Check = Callable[..., Compilation]
WIDTH, INNER = 12, 20
CONSTANT_PRODUCTS = 6
"""Query, key, value, output and two of the feed-forward part; those of attention itself multiply activations."""
BLOCK = f"""<ir_version: 8, opset_import: ["" : 17]> block (float[1,t,{WIDTH}] x) => (float[1,t,{WIDTH}] y) {{
    [query] q = MatMul(x, wq)
    [key] k = MatMul(x, wk)
    [value] v = MatMul(x, wv)
    [turn] kt = Transpose<perm=[0, 2, 1]>(k)
    [scores] s = MatMul(q, kt)
    [softmax] p = Softmax<axis=-1>(s)
    [mix] c = MatMul(p, v)
    [output] o = MatMul(c, wo)
    [residual] r = Add(o, x)
    [norm] n = LayerNormalization<axis=-1>(r, gain)
    [flat] f = Reshape(n, flat_shape)
    [up] f1 = Gemm(f, w1, b1)
    [relu] f2 = Relu(f1)
    [down] f3 = Gemm(f2, w2, b2)
    [deep] y = Reshape(f3, deep_shape)
}}"""


def block(folder: Path) -> Path:
    """A float attention block with made-up weights."""
    generator = np.random.default_rng(0)

    def floats(*shape: int) -> Array:
        return (generator.standard_normal(shape) * 0.3).astype(np.float32)

    constants = {name: floats(WIDTH, WIDTH) for name in ("wq", "wk", "wv", "wo")}
    constants |= {"w1": floats(WIDTH, INNER), "b1": floats(INNER), "w2": floats(INNER, WIDTH), "b2": floats(WIDTH)}
    constants |= {"gain": floats(WIDTH), "flat_shape": np.array([-1, WIDTH]), "deep_shape": np.array([1, -1, WIDTH])}
    model = parser.parse_model(BLOCK)
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items())
    (folder / "float.onnx").write_bytes(model.SerializeToString())
    return folder / "float.onnx"


NO_MORE: dict[str, Any] = {}


class Samples(quantization.CalibrationDataReader):
    """Inputs to calibrate static quantisation with."""

    def __init__(self) -> None:
        self.samples: Iterator[dict[str, Any]] = iter([{"x": sample(7, seed)} for seed in range(3)])

    def get_next(self) -> dict[str, Any]:
        return next(self.samples, NO_MORE)


def sample(tokens: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((1, tokens, WIDTH)).astype(np.float32)


INT8, UINT8 = quantization.QuantType.QInt8, quantization.QuantType.QUInt8
QDQ, OPERATORS = quantization.QuantFormat.QDQ, quantization.QuantFormat.QOperator
DYNAMIC: dict[str, dict[str, Any]] = {
    "int8 per column": {"weight_type": INT8, "per_channel": True},
    "uint8": {"weight_type": UINT8},
    "7 bits": {"weight_type": INT8, "reduce_range": True},
}
STATIC: dict[str, dict[str, Any]] = {
    "QDQ": {"quant_format": QDQ, "activation_type": UINT8, "weight_type": INT8},
    "QDQ per column": {"quant_format": QDQ, "activation_type": INT8, "weight_type": INT8, "per_channel": True},
    "QDQ uint8": {"quant_format": QDQ, "activation_type": UINT8, "weight_type": UINT8},
    "operators": {"quant_format": OPERATORS, "activation_type": UINT8, "weight_type": INT8},
    "operators per column": {
        "quant_format": OPERATORS,
        "activation_type": INT8,
        "weight_type": INT8,
        "per_channel": True,
    },
    "operators uint8": {"quant_format": OPERATORS, "activation_type": UINT8, "weight_type": UINT8},
}


def is_identical(compilation: Compilation, original: Path) -> bool:
    inputs = {"x": sample(5, 9)}
    return compare(Machine(compilation.program).run(inputs), run_original(original, inputs)[0]).identical


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The quantiser advises on the root logger."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", DYNAMIC)
def test_dynamic(name: str, compiled: Check, tmp_path: Path) -> None:
    """`MatMulInteger`: the original's own bits."""
    file = tmp_path / "quantized.onnx"
    quantization.quantize_dynamic(block(tmp_path), file, **DYNAMIC[name])
    compilation = compiled(file, verify_each=True)
    assert len(compilation.program.multiplications) == CONSTANT_PRODUCTS
    assert str(compilation.distance).startswith("identical to the original, bit for bit")
    assert is_identical(compilation, file)


@pytest.mark.parametrize("name", STATIC)
def test_static(name: str, compiled: Check, tmp_path: Path) -> None:
    """`QLinearMatMul`, or `DequantizeLinear` around `MatMul`; the two `Gemm` are still of floats."""
    file = tmp_path / "quantized.onnx"
    quantization.quantize_static(
        block(tmp_path),
        file,
        Samples(),
        op_types_to_quantize=["MatMul"],
        extra_options={"MatMulConstBOnly": True},
        **STATIC[name],
    )
    compilation = compiled(file, verify_each=True, texts=True)
    assert len(compilation.program.multiplications) == CONSTANT_PRODUCTS
    assert "QLinearMatMul" not in compilation.texts["array"]
    assert compilation.distance is not None
    assert (compilation.distance.cosine or 0) > 0.99


@pytest.mark.parametrize("activations", ["token", "tensor", "static"])
def test_float(activations: str, compiled: Check, tmp_path: Path) -> None:
    np.savez(tmp_path / "samples.npz", x=sample(9, 4))
    calibrate = tmp_path / "samples.npz" if activations == "static" else None
    compilation = compiled(block(tmp_path), activations=activations, calibrate=calibrate, verify_each=True)
    assert len(compilation.program.multiplications) == CONSTANT_PRODUCTS
    assert compilation.distance is not None
    assert 0.99 < (compilation.distance.cosine or 0) < 1
    assert str(compilation.distance).startswith("cosine 0.99")


def test_static_activations_of_an_integer_network(compiled: Check, tmp_path: Path) -> None:
    """There is nothing to calibrate, so the inputs change nothing."""
    file = tmp_path / "quantized.onnx"
    quantization.quantize_dynamic(block(tmp_path), file, weight_type=INT8)
    np.savez(tmp_path / "samples.npz", x=sample(9, 4))
    assert is_identical(compiled(file, calibrate=tmp_path / "samples.npz"), file)


QLINEAR = """<ir_version: 8, opset_import: ["" : 17]> g ({kind}[n,4] x) => ({kind}[n,3] y) {{
    y = QLinearMatMul(x, sx, zx, w, sw, zw, sy, zy)
}}"""


@pytest.mark.parametrize(("x", "w"), [("uint8", "int8"), ("int8", "int8"), ("uint8", "uint8")])
@pytest.mark.parametrize("columns", [1, 3])
def test_qlinear_matmul(x: str, w: str, columns: int, compiled: Check, tmp_path: Path) -> None:
    """Zero points and scales of a whole weight and of each column; the output saturates."""
    generator = np.random.default_rng(columns)
    kind_x, kind_w = np.dtype(x), np.dtype(w)
    low, high = np.iinfo(kind_w).min, np.iinfo(kind_w).max
    shape = () if columns == 1 else (columns,)
    constants = {
        "sx": np.array(0.25, np.float32), "zx": np.array(np.iinfo(kind_x).max // 2, kind_x),
        "w": generator.integers(low, high + 1, (4, 3)).astype(kind_w),
        "sw": generator.uniform(0.01, 0.1, shape).astype(np.float32),
        "zw": generator.integers(low, high + 1, shape).astype(kind_w) if w == "uint8" else np.zeros(shape, kind_w),
        "sy": np.array(0.5, np.float32), "zy": np.array(np.iinfo(kind_x).max // 3, kind_x),
    }  # fmt: skip
    model = parser.parse_model(QLINEAR.format(kind=x))
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items())
    file = tmp_path / "qlinear.onnx"
    file.write_bytes(model.SerializeToString())
    compilation = compiled(file)
    inputs = {"x": generator.integers(np.iinfo(kind_x).min, np.iinfo(kind_x).max + 1, (64, 4)).astype(kind_x)}
    outputs = Machine(compilation.program).run(inputs)
    assert compare(outputs, run_original(file, inputs)[0]).identical
    assert len(compilation.program.multiplications) == 1


DEQUANTIZED: dict[str, tuple[str, dict[str, tuple[int, ...]]]] = {
    "cast and scale": ("c = Cast<to=1>(w) f = Mul(c, s)", {"s": (1, 3)}),
    "scale and cast": ("c = Cast<to=1>(w) f = Mul(s, c)", {"s": (1, 3)}),
    "per tensor": ("f = DequantizeLinear(w, s)", {"s": ()}),
    "per column": ("f = DequantizeLinear<axis=1>(w, s)", {"s": (3,)}),
    "per row": ("f = DequantizeLinear<axis=0>(w, s)", {"s": (4,)}),
    "in blocks": ("f = DequantizeLinear<axis=0, block_size=2>(w, s)", {"s": (2, 3)}),
}


@pytest.mark.parametrize("name", DEQUANTIZED)
def test_weights_that_are_dequantised(name: str, onnx_file: Callable[..., Path], compiled: Check) -> None:
    """Their own integers go to the arrays; those of blocks of two rows each lie side by side."""
    nodes, shapes = DEQUANTIZED[name]
    generator = np.random.default_rng(0)
    w = generator.integers(-50, 51, (4, 3)).astype(np.int8)
    constants: dict[str, Array] = {"w": w}
    for constant, shape in shapes.items():
        constants[constant] = np.asarray(generator.uniform(0.1, 1, shape), np.float32)
    file = onnx_file(f"g (float[n,4] x) => (float[n,3] y) {{ {nodes} y = MatMul(x, f) }}", constants, opset=21, ir=10)
    program = compiled(file).program
    assert len(program.multiplications) == 1
    assert sorted(program.arrays[program.arrays != 0].tolist()) == sorted(w[w != 0].tolist())


def test_weights_of_four_bits(onnx_file: Callable[..., Path], compiled: Check) -> None:
    """They are made floats and quantised anew: nothing is left to the digital unit."""
    w = numpy_helper.to_array(helper.make_tensor("w", 22, [4, 3], [1, -2, 3, -4, 5, -6, 7, -8, 0, 1, 2, 3]))
    text = "g (float[n,4] x) => (float[n,3] y) { f = DequantizeLinear(w, s) y = MatMul(x, f) }"
    file = onnx_file(text, {"w": w, "s": np.array(0.5, np.float32)}, opset=21, ir=10)
    assert len(compiled(file).program.multiplications) == 1
