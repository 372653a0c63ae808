"""`Attention` and `QAttention`: the projection on arrays, and the numbers of ONNX Runtime with every mask and cache."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dialects.cim import DigitalOp, MatmulOp
from dialects.network import Network, shape_of

Raised = Callable[..., Network]
Files = Callable[..., Path]
Array = NDArray[Any]
RNG = np.random.default_rng(0)
BATCH, TOKENS, WIDTH, HEADS, SIZE, PAST = 2, 3, 5, 2, 4, 2
HIDDEN = HEADS * SIZE
MICROSOFT = ', "com.microsoft" : 1'


def floats(*shape: int) -> NDArray[np.float32]:
    return RNG.standard_normal(shape, np.float32)


def whole(*rows: object) -> Array:
    return np.array(rows, np.int32)


def mask(kind: str, keys: int) -> tuple[str, Array]:
    """Type and numbers of a mask: last positions, with first ones, with lengths; of keys, of queries and keys."""
    masks = {
        "last": whole(keys, 2),
        "last and first": whole(keys, keys, 0, 1),
        "lengths": whole(2, 3, 3, 3, 0, 3, 6, 6),
        "keys": RNG.integers(0, 2, (BATCH, keys)).astype(np.int32),
        "scores": RNG.integers(0, 2, (BATCH, TOKENS, keys)).astype(np.int32),
    }
    return "int32[" + ",".join(f"m{i}" for i in range(masks[kind].ndim)) + "] m", masks[kind]


CONSTANTS: dict[str, Array] = {
    "w": floats(WIDTH, 3 * HIDDEN),
    "wide": floats(WIDTH, 2 * HIDDEN + 6),
    "b": floats(3 * HIDDEN),
    "q": RNG.integers(-128, 128, (WIDTH, 3 * HIDDEN)).astype(np.int8),
    "qu": RNG.integers(0, 256, (WIDTH, 3 * HIDDEN)).astype(np.uint8),
    "sx": np.array(0.02, np.float32),
    "sw": np.array(0.01, np.float32),
    "sws": RNG.uniform(0.002, 0.02, 3 * HIDDEN).astype(np.float32),
    "zx": np.array(120, np.uint8),
    "zw": np.array(3, np.int8),
    "zws": RNG.integers(0, 256, 3 * HIDDEN).astype(np.uint8),
}


def run(node: str, files: Files, raised: Raised, kind: str = "", past: bool = False, opset: int = 17) -> Network:
    """The raised network of a node, with a mask `m` of some kind, and past keys and values `p`."""
    element = "uint8" if node.startswith("QAttention") else "float"
    inputs = {"x": f"{element}[b,s,{WIDTH}] x"}
    feeds: dict[str, Array] = {"x": floats(BATCH, TOKENS, WIDTH)}
    if element == "uint8":
        feeds["x"] = RNG.integers(0, 256, feeds["x"].shape).astype(np.uint8)
    if kind:
        inputs["m"], feeds["m"] = mask(kind, TOKENS + (PAST if past else 0))
    if past:
        inputs["p"] = f"float[2,b,{HEADS},past,{SIZE}] p"
        feeds["p"] = floats(2, BATCH, HEADS, PAST, SIZE)
    results, names = ("float y, float r", "y, r") if past else ("float y", "y")
    text = f"g ({', '.join(inputs.values())}) => ({results}) {{ {names} = com.microsoft.{node} }}"
    operands = node[node.rindex("(") + 1 : -1].replace(" ", "").split(",")
    used = {name: array for name, array in CONSTANTS.items() if name in operands}
    return raised(files(text, used, opset=opset, domains=MICROSOFT), feeds)


def is_raised(network: Network) -> bool:
    kept = [op.op_type.data for op in network.body if isinstance(op, DigitalOp) and not op.is_standard]
    return kept == ["MultiHeadAttention"] and sum(isinstance(op, MatmulOp) for op in network.body) == 1


KINDS = ["", "last", "last and first", "lengths", "keys", "scores"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("past", [False, True])
@pytest.mark.parametrize("opset", [11, 17])
def test_masks_and_caches(kind: str, past: bool, opset: int, onnx_file: Files, raised_file: Raised) -> None:
    given = f", {'m' if kind else ''}, {'p' if past else ''}"
    network = run(f"Attention<num_heads = {HEADS}>(x, w, b{given})", onnx_file, raised_file, kind, past, opset)
    assert is_raised(network)
    assert shape_of(network.returned.arguments[0].type) == (*(shape_of(network.block.args[0].type) or ())[:2], HIDDEN)


@pytest.mark.parametrize(
    "settings",
    ["unidirectional = 1", "scale = 0.25", "mask_filter_value = -1000.0", f"qkv_hidden_sizes = [{HIDDEN},{HIDDEN},6]"],
)
def test_settings(settings: str, onnx_file: Files, raised_file: Raised) -> None:
    weight = "wide" if "sizes" in settings else "w"
    node = f"Attention<num_heads = {HEADS}, {settings}>(x, {weight}, , m)"
    assert is_raised(run(node, onnx_file, raised_file, "keys"))


@pytest.mark.parametrize(
    ("operands", "past"),
    [
        ("x, q, b, sx, sw", False),
        ("x, q, b, sx, sws, m, zx", False),
        ("x, q, b, sx, sw, m, zx, zw, p", True),
        ("x, qu, b, sx, sws, m, zx, zws", False),
    ],
)
@pytest.mark.parametrize("causal", [0, 1])
def test_quantised(operands: str, past: bool, causal: int, onnx_file: Files, raised_file: Raised) -> None:
    """Integers are multiplied as they are, scales a tensor and a column, zero points of both."""
    kind = "keys" if " m" in operands else ""
    node = f"QAttention<num_heads = {HEADS}, unidirectional = {causal}>({operands})"
    network = run(node, onnx_file, raised_file, kind, past)
    assert is_raised(network)
    (product,) = (op for op in network.body if isinstance(op, MatmulOp))
    assert product.is_integer


def test_weights_that_are_no_constants(onnx_file: Files, raised_file: Raised) -> None:
    text = f"""g (float[b,s,{WIDTH}] x, float[{WIDTH},{3 * HIDDEN}] w) => (float y) {{
      y = com.microsoft.Attention<num_heads = {HEADS}>(x, w, b) }}"""
    feeds = {"x": floats(BATCH, TOKENS, WIDTH), "w": CONSTANTS["w"]}
    assert not is_raised(raised_file(onnx_file(text, {"b": CONSTANTS["b"]}, domains=MICROSOFT), feeds))
