"""`MatMulNBits` in all its forms: the numbers of ONNX Runtime's kernel, and the integers of the weight."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp
from dialects.network import Network
from passes.raise_matmul.nbits import unpacked

Array = NDArray[Any]
Raised = Callable[..., Network]
Files = Callable[..., Path]
ROWS, COLUMNS, BLOCK = 40, 3, 16
BLOCKS = 3
MICROSOFT = ', "com.microsoft" : 1'


def packed(array: Array, bits: int) -> Array:
    """Numbers of the last axis, one after the other, lowest bits first."""
    digits = np.unpackbits(array[..., None], axis=-1, bitorder="little")[..., :bits]
    return np.packbits(digits.reshape(*array.shape[:-1], -1), axis=-1, bitorder="little")


def weight(bits: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 1 << bits, (COLUMNS, BLOCKS, BLOCK)).astype(np.uint8)


def run(
    files: Files, raised_file: Raised, inputs: str, constants: dict[str, Array], settings: str = "", rows: int = ROWS
):
    """The network of one `MatMulNBits`, compared with ONNX Runtime's kernel."""
    attributes = f"K = {rows}, N = {COLUMNS}, block_size = {BLOCK}{settings}"
    node = f"com.microsoft.MatMulNBits<{attributes}>({inputs})"
    file = files(f"g (float[n,t,{rows}] x) => (float y) {{ y = {node} }}", constants, domains=MICROSOFT)
    x = np.random.default_rng(1).standard_normal((2, 3, rows), np.float32)
    return raised_file(file, {"x": x}, rtol=3e-2 if "accuracy_level = 4" in settings else 1e-4)


def stored(network: Network) -> list[Array]:
    """What is multiplied by; none where a `MatMulNBits` is left."""
    if any(isinstance(op, DigitalOp) and op.is_runtimes("MatMulNBits") for op in network.body):
        return []
    return [network.array(op.symbol) for op in network.body if isinstance(op, MatmulOp)]


def scales(seed: int = 2) -> Array:
    return np.random.default_rng(seed).uniform(0.1, 1, (COLUMNS, BLOCKS)).astype(np.float32)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zero", ["none", "packed", "flat", "floats"])
def test_weights_of_a_few_bits(bits: int, zero: str, onnx_file: Files, raised_file: Raised) -> None:
    """Their integers, moved by the zero point where int8 holds that; K is no multiple of the block."""
    if (bits, zero) == (8, "floats"):
        return  # ONNX Runtime has no kernel for it
    rng, q = np.random.default_rng(3), weight(bits)
    zeros = np.full((COLUMNS, BLOCKS), 1 << (bits - 1), np.uint8)
    constants = {"w": packed(q, bits), "s": scales()}
    if zero == "floats":
        constants["z"] = rng.uniform(0, 1 << bits, zeros.shape).astype(np.float32)
        zeros = np.rint(constants["z"])
    elif zero != "none":
        zeros = rng.integers(0, 1 << bits, zeros.shape).astype(np.uint8)
        constants["z"] = packed(zeros, bits) if zero == "packed" else packed(zeros, bits).reshape(-1)
    inputs = "x, w, s" if zero == "none" else "x, w, s, z"
    (found,) = stored(run(onnx_file, raised_file, inputs, constants, f", bits = {bits}"))
    moved = q.astype(np.int16) - zeros.astype(np.int16)[..., None]
    moved = moved if moved.min() >= -128 and moved.max() <= 127 else q.astype(np.int16) - 128
    moved[:, -1, ROWS % BLOCK :] = 0
    np.testing.assert_array_equal(found, moved.transpose(1, 2, 0))


def test_one_scale_a_column_is_a_dense_weight(onnx_file: Files, raised_file: Raised) -> None:
    scale = np.repeat(scales()[:, :1], BLOCKS, axis=1)
    (found,) = stored(run(onnx_file, raised_file, "x, w, s", {"w": packed(weight(4), 4), "s": scale}, ", bits = 4"))
    assert found.shape == (ROWS, COLUMNS)


@pytest.mark.parametrize("order", ["as they are", "mixed", "mixed unevenly"])
@pytest.mark.parametrize("zero", ["", "z"])
def test_rows_of_blocks_that_lie_apart(order: str, zero: str, onnx_file: Files, raised_file: Raised) -> None:
    """`g_idx` gives each row its block; rows of one are brought together, and a smaller block is filled up."""
    rows = ROWS if order == "mixed unevenly" else BLOCKS * BLOCK
    groups = (np.arange(rows) // BLOCK).astype(np.int32)
    groups = groups if order == "as they are" else np.random.default_rng(4).permutation(groups)
    zeros = np.random.default_rng(3).uniform(0, 16, (COLUMNS, BLOCKS)).astype(np.float32)
    constants = {"w": packed(weight(4), 4), "s": scales(), "g": groups, "z": zeros}
    (found,) = stored(run(onnx_file, raised_file, f"x, w, s, {zero}, g", constants, rows=rows))
    assert found.shape == (BLOCKS, BLOCK, COLUMNS)


@pytest.mark.parametrize("level", [0, 1, 4])
def test_a_bias_and_every_accuracy(level: int, onnx_file: Files, raised_file: Raised) -> None:
    """A level is about how ONNX Runtime computes; at 4 it rounds the input by itself."""
    constants = {"w": packed(weight(4), 4), "s": scales(), "b": np.array([1, 2, -3], np.float32)}
    assert stored(run(onnx_file, raised_file, "x, w, s, , , b", constants, f", accuracy_level = {level}"))


@pytest.mark.parametrize("level", [0, 4])
def test_zero_points_that_the_kernel_passes_over(level: int, onnx_file: Files, raised_file: Raised) -> None:
    """Packed ones where there is a `g_idx`: ONNX Runtime takes 8, and so do we; one that reads them fails here."""
    groups = np.random.default_rng(4).permutation(np.arange(ROWS) // BLOCK).astype(np.int32)
    constants = {"w": packed(weight(4), 4), "s": scales(), "g": groups, "z": packed(weight(4)[..., 0], 4)}
    (found,) = stored(run(onnx_file, raised_file, "x, w, s, z, g", constants, f", accuracy_level = {level}"))
    assert (found.min(), found.max()) == (-8, 7)


def test_a_layout_of_graphics_processors_is_left_alone(onnx_file: Files) -> None:
    node = f"com.microsoft.MatMulNBits<K = {ROWS}, N = {COLUMNS}, block_size = {BLOCK}, weight_prepacked = 1>(x, w, s)"
    text = f"g (float[n,{ROWS}] x) => (float y) {{ y = {node} }}"
    file = onnx_file(text, {"w": packed(weight(4), 4), "s": scales()}, domains=MICROSOFT)
    network = Network.of(context := make_context(), import_onnx(context, file, load_chip("tiny-4")))
    assert stored(network) == []


def test_a_scale_that_is_no_constant(onnx_file: Files, raised_file: Raised) -> None:
    node = f"com.microsoft.MatMulNBits<K = {ROWS}, N = {COLUMNS}, bits = 4, block_size = {BLOCK}>(x, w, s)"
    text = f"g (float[{COLUMNS},{BLOCKS}] s, float[n,{ROWS}] x) => (float y) {{ y = {node} }}"
    file = onnx_file(text, {"w": packed(weight(4), 4)}, domains=MICROSOFT)
    assert not stored(raised_file(file, {"x": np.ones((2, ROWS), np.float32), "s": scales()}))


@pytest.mark.parametrize("bits", range(1, 9))
def test_unpacked(bits: int) -> None:
    numbers = np.random.default_rng(0).integers(0, 1 << bits, (2, 5)).astype(np.uint8)
    np.testing.assert_array_equal(unpacked(packed(numbers, bits), bits, 5), numbers)
