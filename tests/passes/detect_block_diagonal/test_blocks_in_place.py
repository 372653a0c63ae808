"""Networks with weights that repeat or are banded, compiled: what is stored, and what they compute."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from cimc.compiler import Compilation
from cimc.report.report import report_of

Write = Callable[..., Path]
Check = Callable[..., Compilation]
Array = npt.NDArray[np.float32]


def toeplitz(down: int, across: int, rows: int, columns: int, band: int | None = None) -> Array:
    """Blocks of rows x columns that depend on i - j alone, 0 where that is not below `band`."""
    blocks = np.random.default_rng(0).standard_normal((down + across, rows, columns)).astype(np.float32)
    if band is not None:
        blocks[band:] = 0
    return np.block([[blocks[i - j] for j in range(across)] for i in range(down)])


@pytest.mark.parametrize("scale", [False, True])
def test_a_shuffled_circulant_matrix(onnx_file: Write, compiled: Check, scale: bool) -> None:
    """Floats, and int8 numbers with a scale for each column and a zero point."""
    generator = np.random.default_rng(1)
    blocks = generator.integers(-60, 60, (4, 4, 4)) if scale else generator.standard_normal((4, 4, 4))
    matrix = np.block([[blocks[(i - j) % 4] for j in range(4)] for i in range(4)])
    matrix = matrix[generator.permutation(16)][:, generator.permutation(16)]
    if scale:
        weights = {
            "q": (matrix + 3).astype(np.int8),
            "s": generator.random(16, np.float32),
            "z": np.full(16, 3, np.int8),
        }
        text = "g (float[n,16] x) => (float[n,16] y) { w = DequantizeLinear<axis=1>(q, s, z) y = MatMul(x, w) }"
    else:
        weights, text = {"w": matrix.astype(np.float32)}, "g (float[n,16] x) => (float[n,16] y) { y = MatMul(x, w) }"
    (layer,) = report_of(compiled(onnx_file(text, weights), verify_each=True).program).layers
    assert (layer.kind, layer.stored_weights) == ("repeated", 64)


@pytest.mark.parametrize(
    ("weight", "kind", "stored"),
    [
        (toeplitz(4, 4, 4, 4), "repeated", 7 * 16),
        (toeplitz(3, 5, 4, 4), "repeated", 7 * 16),
        (toeplitz(12, 10, 2, 2, 3), "repeated", 12),
        (np.triu(np.tril(np.random.default_rng(0).standard_normal((40, 40)), 1), -1).astype(np.float32), "banded", 120),
    ],
)
@pytest.mark.parametrize("objective", ["arrays", "latency"])
def test_what_is_stored(
    onnx_file: Write, compiled: Check, weight: Array, kind: str, stored: int, objective: str
) -> None:
    """For latency, what one stage needs at once is stored as often as it does; equal blocks are equal integers."""
    rows, columns = weight.shape
    text = f"g (float[n,t,{rows}] x) => (float[n,t,{columns}] y) {{ y = MatMul(x, w) }}"
    result = compiled(onnx_file(text, {"w": weight}), verify_each=True, objective=objective)
    (layer,) = report_of(result.program).layers
    assert layer.kind == kind
    if objective == "arrays":
        assert layer.stored_weights == stored
    else:
        assert layer.stored_weights == int((result.program.tiles[:, 4] * result.program.tiles[:, 5]).sum())
