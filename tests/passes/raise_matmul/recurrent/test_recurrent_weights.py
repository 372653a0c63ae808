"""Weights of recurrent operators that are integers stay what they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.cim import DigitalOp
from dialects.network import Network
from dialects.weights import WeightStore


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("per_column", [False, True])
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
def test_integers_of_a_dynamically_quantised_lstm(
    dtype: type[np.generic], per_column: bool, direction: str, recurrent: Callable[..., Any]
) -> None:
    dice, count = np.random.default_rng(0), 1 + (direction == "bidirectional")
    low, high = np.iinfo(np.int8).min if dtype == np.int8 else 0, 127
    constants: dict[str, NDArray[Any]] = {}
    for name, rows in (("w", 3), ("r", 2)):
        shape = (count, 8) if per_column else (count,)
        constants[name] = dice.integers(low, high, (count, rows, 8)).astype(dtype)
        constants[f"{name}_scale"] = dice.uniform(0.004, 0.008, shape).astype(np.float32)
        constants[f"{name}_zero"] = np.full(shape, 0 if per_column and dtype == np.int8 else 5, dtype)
    constants["b"] = dice.normal(size=(count, 16)).astype(np.float32)
    inputs = ["x", "w", "r", "b", "", "", "", "", "w_scale", "w_zero", "r_scale", "r_zero"]
    node = helper.make_node(
        "DynamicQuantizeLSTM", inputs, ["y"], domain="com.microsoft", hidden_size=2, direction=direction
    )
    result = recurrent(node, {"x": dice.normal(size=(3, 2, 3)).astype(np.float32)}, constants)
    assert sorted(weight.matrix_shape for weight in result.weights) == sorted([(3, 8), (2, 8)] * count)
    assert all(weight.affine is not None for weight in result.weights)
    for before, after in zip(result.before, result.after, strict=True):  # it quantises what it multiplies, we not yet
        np.testing.assert_allclose(after, before, atol=0.03)


def test_integers_that_are_dequantised_before_the_operator(onnx_file: Callable[..., Path]) -> None:
    constants: dict[str, NDArray[Any]] = {
        "w": np.arange(-12, 12, dtype=np.int8).reshape(1, 8, 3),
        "r": np.arange(16, dtype=np.int8).reshape(1, 8, 2),
        "s": np.array(0.1, np.float32),
        "each": np.linspace(0.1, 0.8, 8, dtype=np.float32),
    }
    file = onnx_file(
        "g (float[t,b,3] x) => (float[t,1,b,2] y) { u = DequantizeLinear(w, s)"
        " v = DequantizeLinear<axis = 1>(r, each)  y = LSTM<hidden_size = 2>(x, u, v) }",
        constants,
    )
    context = make_context(WeightStore())
    network = Network.of(context, import_onnx(context, file, load_chip("tiny-4")))
    weights = [weight for weight in network.weights.values() if weight.affine is not None]
    assert [weight.array(network.store).tolist() for weight in weights] == [
        constants["w"][0].T.tolist(),
        constants["r"][0].T.tolist(),
    ]


@pytest.mark.parametrize("zero", ["", ", z"])
def test_integers_of_four_bits_with_a_scale_for_some_rows(zero: str, onnx_file: Callable[..., Path]) -> None:
    """They lie in blocks of these rows, less their zero points."""
    dice = np.random.default_rng(0)
    constants: dict[str, NDArray[Any]] = {
        "w": dice.integers(0, 16, (1, 8, 4)).astype(ml_dtypes.uint4),
        "s": dice.uniform(0.1, 1, (1, 8, 2)).astype(np.float32),
        "z": dice.integers(0, 16, (1, 8, 2)).astype(ml_dtypes.uint4),
        "r": np.ones((1, 8, 2), np.float32),
    }
    node = f"u = DequantizeLinear<axis = 2, block_size = 2>(w, s{zero}) y = LSTM<hidden_size = 2>(x, u, r)"
    file = onnx_file(f"g (float[t,b,4] x) => (float[t,1,b,2] y) {{ {node} }}", constants, opset=21, ir=10)
    context = make_context(WeightStore())
    network = Network.of(context, import_onnx(context, file, load_chip("tiny-4")))
    (weight,) = [weight for weight in network.weights.values() if weight.affine is not None]
    blocks = constants["w"][0].T.astype(int).reshape(2, 2, 8)
    zeros = constants["z"][0].T.astype(int)[:, None] if zero else np.zeros((2, 1, 8), int)
    assert weight.array(network.store).tolist() == (blocks - zeros).tolist()


def test_weights_that_are_computed_stay_in_the_operator(onnx_file: Callable[..., Path]) -> None:
    file = onnx_file(
        "g (float[t,b,3] x, float[1,8,2] r) => (float[t,1,b,2] y) { y = LSTM<hidden_size = 2>(x, w, r) }",
        {"w": np.ones((1, 8, 3), np.float32)},
    )
    context = make_context(WeightStore())
    network = Network.of(context, import_onnx(context, file, load_chip("tiny-4")))
    assert [op.op_type.data for op in network.ops if isinstance(op, DigitalOp)] == ["LSTM"]
