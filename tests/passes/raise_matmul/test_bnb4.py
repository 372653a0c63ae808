"""`MatMulBnb4` in both tables: the numbers of ONNX Runtime's kernel."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp
from dialects.network import Network

Raised = Callable[..., Network]
Files = Callable[..., Path]
ROWS, COLUMNS, BLOCK = 22, 5, 16
RNG = np.random.default_rng(0)
CODES = RNG.integers(0, 256, ROWS * COLUMNS // 2).astype(np.uint8)
LARGEST = RNG.uniform(0.5, 2, -(-ROWS * COLUMNS // BLOCK)).astype(np.float32)


def node(settings: str) -> str:
    return f"com.microsoft.MatMulBnb4<K = {ROWS}, N = {COLUMNS}, block_size = {BLOCK}, {settings}>(x, w, s)"


def products(network: Network) -> list[tuple[int, ...]]:
    """The shapes of what is multiplied by; none where a `MatMulBnb4` is left."""
    if any(isinstance(op, DigitalOp) and op.is_runtimes("MatMulBnb4") for op in network.body):
        return []
    return [network.array(op.symbol).shape for op in network.body if isinstance(op, MatmulOp)]


@pytest.mark.parametrize("table", [0, 1])
def test_numbers(table: int, onnx_file: Files, raised_file: Raised) -> None:
    """Blocks go on from row to row, and every code of the table is there."""
    text = f"g (float[n,t,{ROWS}] x) => (float y) {{ y = {node(f'quant_type = {table}')} }}"
    file = onnx_file(text, {"w": CODES, "s": LARGEST}, domains=', "com.microsoft" : 1')
    network = raised_file(file, {"x": RNG.standard_normal((2, 3, ROWS), np.float32)}, rtol=1e-5)
    assert products(network) == [(ROWS, COLUMNS)]


def test_a_weight_that_is_no_constant_is_left_alone(onnx_file: Files, raised_file: Raised) -> None:
    text = f"g (float[{len(LARGEST)}] s, float[n,{ROWS}] x) => (float y) {{ y = {node('quant_type = 1')} }}"
    file = onnx_file(text, {"w": CODES}, domains=', "com.microsoft" : 1')
    network = raised_file(file, {"x": np.ones((2, ROWS), np.float32), "s": LARGEST})
    assert products(network) == []


def test_what_onnx_runtime_reads_wrongly_is_left_alone(onnx_file: Files) -> None:
    text = f"g (float[n,{COLUMNS}] x) => (float y) {{ y = {node('quant_type = 1, transB = 0')} }}"
    file = onnx_file(text, {"w": CODES, "s": LARGEST}, domains=', "com.microsoft" : 1')
    network = Network.of(context := make_context(), import_onnx(context, file, load_chip("tiny-4")))
    assert products(network) == []
