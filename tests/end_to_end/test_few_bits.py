"""Weights and activations of few bits, in every structure: the program computes what its reference does, to the bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import cimc
from cimc.compiler import Compilation

Array = NDArray[Any]
Check = Callable[..., Compilation]
GENERATOR = np.random.default_rng(0)


def floats(*shape: int) -> Array:
    return (GENERATOR.standard_normal(shape) * 0.4).astype(np.float32)


def repeated(rows: int, columns: int, size: int) -> Array:
    """A matrix of the same few blocks."""
    blocks = floats(2, size, size)
    return np.block([[blocks[(i + j) % 2] for j in range(columns)] for i in range(rows)])


def diagonal(blocks: int, rows: int, columns: int) -> Array:
    matrix = np.zeros((blocks * rows, blocks * columns), np.float32)
    for i in range(blocks):
        matrix[i * rows : (i + 1) * rows, i * columns : (i + 1) * columns] = floats(rows, columns)
    return matrix


NETWORKS: dict[str, tuple[str, dict[str, Array]]] = {
    "two layers": (
        "(float[n,13] x) => (float[n,5] y) { a = MatMul(x, v) b = Relu(a) y = MatMul(b, w) }",
        {"v": floats(13, 9), "w": floats(9, 5)},
    ),
    "a shared activation": (
        "(float[b,t,10] x) => (float[b,t,6] y) { a = MatMul(x, v) b = MatMul(x, w) y = Mul(a, b) }",
        {"v": floats(10, 6), "w": floats(10, 6)},
    ),
    "blocks": (
        "(float[2,n,7] x) => (float[2,n,5] y) { y = MatMul(x, w) }",
        {"w": floats(2, 7, 5)},
    ),
    "blocks down the diagonal, in another order": (
        "(float[n,15] x) => (float[n,12] y) { y = MatMul(x, w) }",
        {"w": diagonal(3, 5, 4)[GENERATOR.permutation(15)][:, GENERATOR.permutation(12)]},
    ),
    "blocks of different shapes": (
        "(float[n,14] x) => (float[n,9] y) { y = MatMul(x, w) }",
        {"w": np.block([[floats(8, 3), np.zeros((8, 6))], [np.zeros((6, 3)), floats(6, 6)]]).astype(np.float32)},
    ),
    "equal blocks": (
        "(float[n,16] x) => (float[n,16] y) { y = MatMul(x, w) }",
        {"w": repeated(4, 4, 4)},
    ),
    "a convolution": (
        "(float[1,3,7,6] x) => (float[1,4,h,w] y) { y = Conv<pads=[1,1,1,1], strides=[2,1]>(x, k, b) }",
        {"k": floats(4, 3, 3, 3), "b": floats(4)},
    ),
    "a convolution in groups": (
        "(float[1,6,9] x) => (float[1,4,n] y) { y = Conv<group=2>(x, k) }",
        {"k": floats(4, 3, 5)},
    ),
    "a recurrent layer": (
        "(float[t,1,6] x) => (float[t,1,1,5] y) { y, h = GRU<hidden_size=5>(x, w, r, b) }",
        {"w": floats(1, 15, 6), "r": floats(1, 15, 5), "b": floats(1, 30)},
    ),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "4 bits": {"weight_bits": 4},
    "3 bits in groups, per tensor": {"weight_bits": 3, "weight_group": 4, "activations": "tensor"},
    "2 bits in groups of 3": {"weight_bits": 2, "weight_group": 3},
    "8 bits in groups": {"weight_group": 5},
}
NEAR = {2: 0.75, 3: 0.9, 4: 0.97, 8: 0.999}
"""The cosine to the original that these made-up weights have at least."""


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_structures(name: str, options: str, compiled: Check, onnx_file: Callable[..., Path]) -> None:
    text, constants = NETWORKS[name]
    bits: int = OPTIONS[options].get("weight_bits", 8)
    compilation = compiled(onnx_file(f"g {text}", constants), **OPTIONS[options])
    assert compilation.program.multiplications
    assert compilation.distance is not None
    assert NEAR[bits] < (compilation.distance.cosine or 0) < 1
    arrays = compilation.program.arrays.astype(int)
    assert 0 < abs(arrays).max() < 1 << bits


@pytest.mark.parametrize("activations", ["token", "tensor", "static"])
def test_activations_of_few_bits(
    activations: str, compiled: Check, onnx_file: Callable[..., Path], tmp_path: Path
) -> None:
    """Of a convolution and of products, and what of them is no number."""
    text = "(float[1,2,6,5] x) => (float[1,3,4,4] y) { a = Conv(x, k) b = Relu(a) y = MatMul(b, w) }"
    file = onnx_file(f"g {text}", {"k": floats(3, 2, 3, 2), "w": floats(4, 4)})
    x = floats(1, 2, 6, 5)
    np.savez(tmp_path / "x.npz", x=x)
    calibrate = tmp_path / "x.npz" if activations == "static" else None
    cosines: list[float] = []
    for bits in (4, 5, 8):
        options = {"activation_bits": bits, "activations": activations, "calibrate": calibrate}
        compilation = compiled(file, {"x": x}, **options)
        assert compilation.distance is not None
        cosines.append(compilation.distance.cosine or 0)
        compiled(file, {"x": np.where(x > 1, np.float32(np.nan), x * 3)}, **options)
    assert 0.95 < cosines[0] < cosines[1] < cosines[2]


def test_monarch_and_static_activations(compiled: Check, onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=floats(12, 16))
    file = onnx_file("g (float[n,16] x) => (float[n,16] y) { y = MatMul(x, w) }", {"w": floats(16, 16)})
    options = {"monarch": 4, "weight_bits": 4, "weight_group": 2, "calibrate": tmp_path / "x.npz"}
    notes = compiled(file, verify_each=True, **options).program.notes["layers"]
    assert isinstance(notes, list)
    named = [note for note in notes if isinstance(note, dict) and "weight_bits" in note]
    assert [note["weight_group"] for note in named] == [2.0, 2.0]


@pytest.mark.parametrize("options", [{"weight_bits": 4, "weight_group": 4}, {"weight_bits": "auto", "weight_group": 5}])
@pytest.mark.parametrize("name", ["two layers", "blocks of different shapes", "a convolution", "a recurrent layer"])
def test_rounded_by_calibration(
    name: str, options: dict[str, Any], compiled: Check, onnx_file: Callable[..., Path], tmp_path: Path
) -> None:
    """Each pass leaves what the network computes, but `quantize`, and layers say how their weights were rounded."""
    text, constants = NETWORKS[name]
    file = onnx_file(f"g {text}", constants)
    sample = {"two layers": (9, 13), "blocks of different shapes": (9, 14), "a convolution": (1, 3, 7, 6)}
    np.savez(tmp_path / "x.npz", x=floats(*sample.get(name, (5, 1, 6))))
    given = {"calibrate": tmp_path / "x.npz", "activations": "token", "quality_budget": 0.2}
    compilation = compiled(file, verify_each=True, **options, **given)
    assert compilation.distance is not None
    assert (compilation.distance.cosine or 0) > 0.95
    notes = compilation.program.notes["layers"]
    assert isinstance(notes, list)
    roundings = {str(note.get("rounding")) for note in notes if isinstance(note, dict) and "weight_bits" in note}
    assert "error-compensated" in roundings or name == "a recurrent layer"


def test_python_says_what_was_asked_for(onnx_file: Callable[..., Path]) -> None:
    file = onnx_file("g (float[n,8] x) => (float[n,4] y) { y = MatMul(x, w) }", {"w": floats(8, 4)})
    options = cimc.compile(file, weight_bits=4, weight_group=4, activation_bits=6).options
    assert (options["weight_bits"], options["weight_group"], options["activation_bits"]) == (4, 4, 6)
    with pytest.raises(cimc.UserError, match=r"^weight_bits=7: expected one of 8, 6, 4, 3, 2, auto$"):
        cimc.compile(file, weight_bits=7)
