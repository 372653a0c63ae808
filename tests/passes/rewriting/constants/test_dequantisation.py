"""What is read off dequantisation, however it is written, is what ONNX Runtime makes of it, and its integers stay."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper, parser
from xdsl.parser import Parser

from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.network import Network, main_block
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import store_of
from passes.rewriting.constants.constant_tensors import NARROW, Terms
from passes.rewriting.constants.dequantisation import MOST_STEPS, dequantized_terms, leads_to_product

Array = NDArray[Any]
RNG = np.random.default_rng(0)
W = RNG.integers(-128, 128, (6, 8)).astype(np.int8)
U = RNG.integers(0, 256, (6, 8)).astype(np.uint8)
CONSTANTS: dict[str, Array] = {
    "w": W,
    "u": U,
    "w3": W.reshape(2, 3, 8),
    "four": RNG.integers(-8, 8, (6, 8)).astype(ml_dtypes.int4),
    "ufour": RNG.integers(0, 16, (6, 8)).astype(ml_dtypes.uint4),
    "wide": W.astype(np.int32),
    "s": np.array(0.25, np.float32),
    "s0": RNG.uniform(0.1, 1, 8).astype(np.float32),
    "column": RNG.uniform(0.1, 1, (6, 1)).astype(np.float32),
    "s3": RNG.uniform(0.1, 1, (2, 1, 8)).astype(np.float32),
    "sblock": RNG.uniform(0.1, 1, (2, 8)).astype(np.float32),
    "srow": RNG.uniform(0.1, 1, 6).astype(np.float32),
    "zblock": RNG.integers(0, 16, (2, 8)).astype(ml_dtypes.uint4),
    "z": np.array(3, np.float32),
    "zu": np.array(130, np.uint8),
    "zu0": RNG.integers(0, 256, 8).astype(np.uint8),
    "f": RNG.standard_normal((6, 8)).astype(np.float32),
}
"""Integers, scales, zero points, and a correction, from which the networks below choose."""
WEIGHT_ONLY = {
    "Cast": "y = Cast<to = 1>(w)",
    "Cast, Mul": "a = Cast<to = 1>(w)  y = Mul(a, s0)",
    "Mul of the scale first": "a = Cast<to = 1>(w)  y = Mul(s0, a)",
    "Cast, Sub, Mul": "a = Cast<to = 1>(u)  b = Sub(a, z)  y = Mul(b, s0)",
    "Cast of the zero point": "a = Cast<to = 1>(u)  c = Cast<to = 1>(zu0)  b = Sub(a, c)  y = Mul(b, s0)",
    "Sub of integers": "a = Cast<to = 6>(u)  c = Cast<to = 6>(zu)  b = Sub(a, c)  d = Cast<to = 1>(b)  y = Mul(d, s)",
    "Cast, Add, Mul": "a = Cast<to = 1>(w)  b = Add(z, a)  y = Mul(b, s0)",
    "Cast, Transpose, Mul": "a = Cast<to = 1>(w)  b = Transpose(a)  y = Mul(b, srow)",
    "Cast, Div": "a = Cast<to = 1>(w)  y = Div(a, s0)",
    "Cast, Mul, Reshape": "a = Cast<to = 1>(w3)  b = Mul(a, s3)  y = Reshape<allowzero = 0>(b, shape)",
    "Cast by way of bfloat16": "a = Cast<to = 16>(w)  c = Cast<to = 1>(a)  y = Mul(c, s0)",
    "Cast, Mul, Cast": "a = Cast<to = 11>(w)  c = Cast<to = 1>(a)  y = Mul(c, s0)",
    "two scales": "a = Cast<to = 1>(w)  b = Mul(a, s0)  y = Mul(b, column)",
    "int32 that bytes hold": "a = Cast<to = 1>(wide)  y = Mul(a, s0)",
    "DequantizeLinear": "y = DequantizeLinear(u, s, zu)",
    "a scale a column": "y = DequantizeLinear(u, s0, zu0)",
    "a scale a row": "y = DequantizeLinear<axis = 0>(w, srow)",
    "blocks of rows": "y = DequantizeLinear<axis = 0, block_size = 3>(ufour, sblock, zblock)",
    "blocks of columns": "y = DequantizeLinear<axis = -1, block_size = 4>(four, spair)",
    "then Transpose": "a = DequantizeLinear(four, s)  y = Transpose(a)",
    "then Reshape": "a = DequantizeLinear(u, s0, zu0)  y = Reshape(a, other)",
    "then Slice": "a = DequantizeLinear(u, s0, zu0)  y = Slice(a, one, three, nought, one)",
    "then Gather": "a = DequantizeLinear(u, s0, zu0)  y = Gather<axis = 1>(a, places)",
    "then Concat": "a = DequantizeLinear(w, s0)  b = DequantizeLinear<axis = 0>(w, srow)  y = Concat<axis = 0>(a, b)",
    "Concat of two types": "a = DequantizeLinear(w, s0)  b = DequantizeLinear(u, s0, zu0)  y = Concat<axis = 1>(a, b)",
    "Concat with floats": "a = DequantizeLinear(w, s0)  y = Concat<axis = -2>(f, a)",
    "then Split": "a = DequantizeLinear(w, s0)  x0, y = Split<axis = 1, num_outputs = 2>(a)",
    "then Unsqueeze": "a = DequantizeLinear(w, s0)  y = Unsqueeze(a, one)",
    "then Squeeze": "a = DequantizeLinear(w, s0)  b = Unsqueeze(a, one)  y = Squeeze(b, one)",
    "then Expand": "a = DequantizeLinear(w, s0)  y = Expand(a, larger)",
    "then Flatten": "a = DequantizeLinear<axis = 2>(w3, s0)  y = Flatten<axis = 2>(a)",
    "then Identity": "a = DequantizeLinear(w, s0)  y = Identity(a)",
    "then Add": "a = DequantizeLinear(w, s0)  b = DequantizeLinear(u, s, zu)  y = Add(a, b)",
    "a correction": "a = DequantizeLinear(w, s0)  y = Add(a, f)",
    "less a correction": "a = DequantizeLinear(w, s0)  b = Sub(f, a)  y = Mul(b, s0)",
}
SHAPES: dict[str, list[int]] = {
    "shape": [6, -1],
    "other": [0, 2, 4],
    "one": [1],
    "three": [3],
    "nought": [0],
    "places": [-1, 2, 2],
    "larger": [2, 6, 8],
}


def network(text: str, constants: Mapping[str, Array]) -> ModelProto:
    """A network that multiplies by `y`, which is its second output, too."""
    graph = f"g (float[1] x) => (float[r] p, float y) {{ {text}  p = Mul(x, y) }}"
    model = parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> {graph}')
    used = {name for node in model.graph.node for name in node.input}
    model.graph.output[1].type.tensor_type.ClearField("shape")
    model.graph.output[0].type.tensor_type.ClearField("shape")
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items() if n in used)
    return model


def read_off(model: ModelProto, folder: Path) -> Terms:
    file = folder / "network.onnx"
    file.write_bytes(model.SerializeToString())
    ctx = make_context()
    module = import_onnx(ctx, file, load_chip("tiny-4"))
    network = Network(module, store_of(ctx))
    return dequantized_terms(network.outputs[1][0], network)


@pytest.mark.parametrize("name", WEIGHT_ONLY)
def test_weight_only_integers(name: str, tmp_path: Path) -> None:
    """Narrow integers, none of them changed, which stand for the numbers that ONNX Runtime makes."""
    constants = CONSTANTS | {n: np.array(v, np.int64) for n, v in SHAPES.items()}
    constants["spair"] = CONSTANTS["sblock"].reshape(8, 2)[:6]
    model = network(WEIGHT_ONLY[name], constants)
    terms = read_off(model, tmp_path)
    expected = run_graph(model, {"x": np.ones(1, np.float32)})["y"]
    assert any(term.scale is not None and term.values.dtype in NARROW for term in terms)
    total = np.sum([term.numbers() for term in terms], axis=0)
    np.testing.assert_allclose(total, expected, rtol=1e-5, atol=1e-6)
    for term in terms:
        if term.scale is not None and "two types" not in name:  # uint8 moves by 128 there
            assert set(term.values.reshape(-1)) <= {0, *CONSTANTS[term.name.split(".")[0]].reshape(-1)}


@pytest.mark.parametrize(
    "text",
    [
        "y = Cast<to = 1>(long)",
        "a = Cast<to = 1>(w)  b = Tanh(a)  y = Mul(b, s)",
        "a = Cast<to = 1>(w)  y = Mul(a, x)",
        "y = Mul(f, s)",
    ],
)
def test_what_is_not_read_off(text: str, tmp_path: Path) -> None:
    """More than 8 bits, other operators, an activation among the operands, floats alone."""
    assert not read_off(network(text, CONSTANTS | {"long": np.array([[1, 300]])}), tmp_path)


def test_long_ways_and_many_parts_end(tmp_path: Path) -> None:
    """A way of more steps than one writes, and a sum of itself, again and again, are no weights."""
    steps = "".join(f"c{i + 1} = Identity(c{i}) " for i in range(MOST_STEPS + 1))
    assert not read_off(network(f"c0 = Cast<to = 1>(w) {steps} y = Mul(c{MOST_STEPS + 1}, s0)", CONSTANTS), tmp_path)
    sums = "".join(f"c{i + 1} = Add(c{i}, c{i}) " for i in range(40))
    assert not read_off(network(f"c0 = DequantizeLinear(w, s0) {sums} y = Mul(c40, s0)", CONSTANTS), tmp_path)


def test_what_is_multiplied() -> None:
    """On the way from integers, movement and scales count, other operators do not."""
    text = """func.func @main(%x: tensor<2x3xi8>, %a: tensor<4x3xf32>) -> (tensor<4x2xf32>, tensor<2x3xf32>) {
      %c = cim.digital "Cast"(%x) with {to = 1 : i64} : (tensor<2x3xi8>) -> tensor<2x3xf32>
      %t = cim.digital "Transpose"(%c) : (tensor<2x3xf32>) -> tensor<3x2xf32>
      %y = cim.digital "MatMul"(%a, %t) : (tensor<4x3xf32>, tensor<3x2xf32>) -> tensor<4x2xf32>
      %d = cim.digital "Cast"(%x) with {to = 1 : i64} : (tensor<2x3xi8>) -> tensor<2x3xf32>
      %z = cim.digital "Tanh"(%d) : (tensor<2x3xf32>) -> tensor<2x3xf32>
      func.return %y, %z : tensor<4x2xf32>, tensor<2x3xf32>
    }"""
    ops = [op for op in main_block(Parser(make_context(), text).parse_module()).ops if isinstance(op, DigitalOp)]
    assert [leads_to_product(op.outputs[0]) for op in ops] == [True, True, False, False, False]
