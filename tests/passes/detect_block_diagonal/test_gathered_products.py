"""Products by equal blocks whose inputs are gathered: floats and integers compute what the dense matrix did."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from cimc.compiler import Compilation
from cimc.report.report import report_of

Write = Callable[..., Path]
Check = Callable[..., Compilation]


def matrix(pad: int, kind: str, columns: int) -> npt.NDArray[Any]:
    """A convolution of 8 inputs along 12 positions, unrolled with the positions last, and some columns of zeros."""
    generator = np.random.default_rng(0)
    size = (3, 2, 4)
    kernel = generator.standard_normal(size).astype("f") if kind == "f" else generator.integers(1, 9, size, np.int8)
    unrolled = np.zeros((2, 12, 4, 10 + 2 * pad), kernel.dtype)
    for position in range(10 + 2 * pad):
        for tap in range(3):
            if 0 <= position + tap - pad < 12:
                unrolled[:, position + tap - pad, :, position] = kernel[tap]
    flat = unrolled.reshape(24, -1)
    return np.concatenate([flat, np.zeros((24, columns), kernel.dtype)], axis=1)


@pytest.mark.parametrize(("pad", "columns"), [(0, 0), (1, 0), (1, 3)])
@pytest.mark.parametrize("kind", ["f", "i"])
def test_an_unrolled_convolution(onnx_file: Write, compiled: Check, pad: int, columns: int, kind: str) -> None:
    w = matrix(pad, kind, columns)
    product = "y = MatMul(x, w) }" if kind == "f" else "q, s, z = DynamicQuantizeLinear(x) y = MatMulInteger(q, w, z) }"
    element = "float" if kind == "f" else "int32"
    text = f"g (float[n,24] x) => ({element}[n,{w.shape[1]}] y) {{ {product}"
    result = compiled(onnx_file(text, {"w": w}), verify_each=True)
    report = report_of(result.program)
    (layer,) = report.layers
    assert (layer.kind, layer.stored_weights, report.sharing.different) == ("repeated", 24, 2)
    assert report.dense_weights == (24 + (pad > 0)) * (w.shape[1] - columns), "with the zero that the edges read"
