"""`MatMul` with a constant of any rank, on either side, plain or dequantised: the numbers of ONNX Runtime."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dialects.cim import DigitalOp, MatmulOp
from dialects.network import Network

Raised = Callable[..., Network]
Files = Callable[..., Path]
RNG = np.random.default_rng(0)


def floats(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape, np.float32)


def products(network: Network) -> list[str]:
    """The weights that are multiplied by: shape and elements; none if a product is left to the digital units."""
    left = [op for op in network.body if isinstance(op, DigitalOp) and op.is_a("MatMul")]
    matmuls = [op for op in network.body if isinstance(op, MatmulOp)]
    return [] if left else [str(network.weight(op.symbol).tensor_type) for op in matmuls]


@pytest.mark.parametrize(
    ("x", "w", "expected"),
    [
        ([5, 4], (1, 4, 3), "4x3"),
        ([5, 4], (1, 1, 4, 3), "4x3"),
        ([2, 5, 4], (1, 1, 4, 3), "4x3"),
        ([4], (1, 4, 3), "4x3"),
        ([5, 4], (4,), "4x1"),
        ([2, 5, 4], (4,), "4x1"),
        ([5, 4], (2, 4, 3), "4x6"),
        ([4], (2, 4, 3), "4x6"),
        ([3, 1, 5, 4], (2, 4, 3), "4x6"),
        ([3, 1, 5, 4], (1, 2, 4, 3), "4x6"),
        ([1, 5, 4], (3, 2, 4, 3), "4x18"),
    ],
)
def test_a_constant_on_the_right(x: list[int], w: Sequence[int], expected: str, onnx_file: Files, raised_file: Raised):
    """One dense weight, whose columns are those of all matrices."""
    dims = ",".join("n" if size == 5 else str(size) for size in x)
    file = onnx_file(f"g (float[{dims}] x) => (float y) {{ y = MatMul(x, w) }}", {"w": floats(*w)})
    assert products(raised_file(file, {"x": floats(*x)})) == [f"tensor<{expected}xf32>"]


@pytest.mark.parametrize(
    ("w", "x", "expected"),
    [
        ((3, 4), [4], "4x3"),
        ((3, 4), [2, 4, 5], "4x3"),
        ((1, 3, 4), [4, 5], "4x3"),
        ((2, 3, 4), [4, 5], "4x6"),
        ((2, 3, 4), [3, 1, 4, 5], "4x6"),
        ((4,), [2, 4, 5], "4x1"),
        ((4,), [4, 5], "4x1"),
    ],
)
def test_a_constant_on_the_left(w: Sequence[int], x: list[int], expected: str, onnx_file: Files, raised_file: Raised):
    dims = ",".join("n" if size == 5 else str(size) for size in x)
    file = onnx_file(f"g (float[{dims}] x) => (float y) {{ y = MatMul(w, x) }}", {"w": floats(*w)})
    assert products(raised_file(file, {"x": floats(*x)})) == [f"tensor<{expected}xf32>"]


def test_blocks_are_left_to_the_pass_that_knows_them(onnx_file: Files, raised_file: Raised) -> None:
    file = onnx_file("g (float[2,n,4] x) => (float y) { y = MatMul(x, w) }", {"w": floats(2, 4, 3)})
    assert products(raised_file(file, {"x": floats(2, 5, 4)})) == []


INTEGERS: dict[str, NDArray[Any]] = {
    "w": RNG.integers(-128, 128, (7, 3)).astype(np.int8),
    "u": RNG.integers(0, 256, (7, 3)).astype(np.uint8),
    "v": RNG.integers(-128, 128, (3, 7)).astype(np.int8),
    "w3": RNG.integers(-128, 128, (2, 7, 3)).astype(np.int8),
    "column": RNG.uniform(0.1, 1, 3).astype(np.float32),
    "row": RNG.uniform(0.1, 1, (7, 1)).astype(np.float32),
    "pairs": RNG.uniform(0.1, 1, (4, 3)).astype(np.float32),
    "zeros": RNG.integers(0, 256, (4, 3)).astype(np.uint8),
    "zero": np.array(77, np.uint8),
    "heads": RNG.uniform(0.1, 1, (2, 1, 3)).astype(np.float32),
    "rare": np.where(RNG.random((7, 3)) < 0.2, 5, 0).astype(np.float32),
    "seven": RNG.uniform(0.1, 1, 7).astype(np.float32),
}
BLOCKS = "DequantizeLinear<axis = 0, block_size = 2>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = Cast<to = 1>(w)  b = Mul(a, column)  y = MatMul(x, b)", ["7x3xi8"]),
        ("a = Cast<to = 1>(w)  b = Mul(a, row)  y = MatMul(x, b)", ["7x3xi8"]),
        ("a = Cast<to = 1>(w)  b = Mul(a, row)  c = Mul(b, column)  y = MatMul(x, c)", ["7x3xi8"]),
        ("a = Cast<to = 1>(w)  b = MatMul(x, a)  y = Mul(b, column)", ["7x3xi8"]),
        (f"a = {BLOCKS}(w, pairs)  y = MatMul(x, a)", ["4x2x3xi8"]),
        (f"a = {BLOCKS}(u, pairs, zeros)  y = MatMul(x, a)", ["4x2x3xi8"]),
        (f"a = {BLOCKS}(w, pairs)  y = Gemm(x, a, column)", ["4x2x3xi8"]),
        ("a = DequantizeLinear<axis = 0>(v, column)  b = Transpose(a)  y = MatMul(x, b)", ["7x3xi8"]),
        ("a = DequantizeLinear(w, column)  b = Add(a, rare)  y = MatMul(x, b)", ["7x3xi8", "7x3xf32"]),
        ("a = Cast<to = 1>(w3)  b = Mul(a, heads)  y = MatMul(x, b)", ["7x6xi8"]),
        ("a = DequantizeLinear<axis = 0>(v, column)  t = Transpose(x)  y = MatMul(a, t)", ["7x3xi8"]),
        ("a = DequantizeLinear<axis = 1>(v, seven)  t = Transpose(x)  y = MatMul(a, t)", ["7x3xi8"]),
        (f"h = Reshape(x, shape)  a = {BLOCKS}(u, pairs, zeros)  y = MatMul(h, a)", ["4x2x3xi8"]),
    ],
)
def test_dequantised_weights(text: str, expected: list[str], onnx_file: Files, raised_file: Raised) -> None:
    """Their integers are multiplied, whatever their scales; the last network knows no rank of its vectors."""
    file = onnx_file(f"g (float[n,7] x, int64[l] shape) => (float y) {{ {text} }}", INTEGERS, opset=21, ir=10)
    found = products(raised_file(file, {"x": floats(5, 7), "shape": np.array([5, 1, 7])}))
    assert sorted(found) == sorted(f"tensor<{shape}>" for shape in expected)
