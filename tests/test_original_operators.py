"""Each operator that multiplies 8-bit integers has an exact form that ONNX Runtime takes, and that changes no bit.

Weights are so small that no processor saturates, so the original's own outputs are right everywhere.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

from cimc.machine.check import run_reference
from cimc.original import exact_form, run_original
from dialects.semantics.exact_products import PRODUCTS

Array = NDArray[Any]
MS = "com.microsoft"
RNG = np.random.default_rng(0)


def small(*shape: int) -> Array:
    return RNG.integers(-31, 32, shape).astype(np.int8)


def bytes_(*shape: int) -> Array:
    return RNG.integers(0, 256, shape).astype(np.uint8)


S = np.array(0.02, np.float32)
SA, ZA, SB, ZB = {"sa": S}, {"za": np.array(7, np.uint8)}, {"sb": S}, {"zb": np.array(0, np.int8)}
OUT = {"sy": np.array(2, np.float32), "zy": np.array(100, np.uint8)}
QLINEAR = ["x", "sa", "za", "w", "sb", "zb", "sy", "zy"]
LSTM = {"ws": S.reshape(1), "wz": np.zeros(1, np.int8), "rs": S.reshape(1), "rz": np.zeros(1, np.int8)}

CASES: dict[str, tuple[NodeProto, Array, Mapping[str, Array]]] = {
    "MatMulInteger": (
        helper.make_node("MatMulInteger", ["x", "w", "za"], ["y"]),
        bytes_(5, 64),
        {"w": small(64, 16), **ZA},
    ),
    "ConvInteger": (
        helper.make_node("ConvInteger", ["x", "w", "za"], ["y"], pads=[1, 1, 1, 1]),
        bytes_(1, 8, 9, 9),
        {"w": small(6, 8, 3, 3), **ZA},
    ),
    "QLinearMatMul": (
        helper.make_node("QLinearMatMul", QLINEAR, ["y"]),
        bytes_(5, 64),
        {"w": small(64, 16), **SA, **ZA, **SB, **ZB, **OUT},
    ),
    "QLinearConv": (
        helper.make_node("QLinearConv", QLINEAR, ["y"], group=2),
        bytes_(1, 8, 9, 9),
        {"w": small(6, 4, 3, 3), **SA, **ZA, **SB, **ZB, **OUT},
    ),
    "QLinearConv of channels last": (
        helper.make_node("QLinearConv", QLINEAR, ["y"], domain=MS, channels_last=1),
        bytes_(1, 9, 9, 8),
        {"w": small(6, 8, 3, 3), **SA, **ZA, **SB, **ZB, **OUT},
    ),
    "QGemm": (
        helper.make_node("QGemm", ["x", "sa", "za", "w", "sb", "zb", "", "sy", "zy"], ["y"], domain=MS, transB=1),
        bytes_(5, 64),
        {"w": small(16, 64), **SA, **ZA, "sb": np.full(16, S), "zb": np.zeros(16, np.int8), **OUT},
    ),
    "MatMulIntegerToFloat": (
        helper.make_node("MatMulIntegerToFloat", ["x", "w", "sa", "sb", "za"], ["y"], domain=MS),
        bytes_(5, 64),
        {"w": small(64, 16), **SA, **SB, **ZA},
    ),
    "QAttention": (
        helper.make_node("QAttention", ["x", "w", "b", "sa", "sb", "", "za"], ["y"], domain=MS, num_heads=2),
        bytes_(1, 4, 16),
        {"w": small(16, 48), "b": np.zeros(48, np.float32), **SA, **SB, **ZA},
    ),
    "DynamicQuantizeMatMul": (
        helper.make_node("DynamicQuantizeMatMul", ["x", "w", "sb"], ["y"], domain=MS),
        RNG.standard_normal((5, 64)).astype(np.float32),
        {"w": small(64, 16), **SB},
    ),
    "DynamicQuantizeLSTM": (
        helper.make_node(
            "DynamicQuantizeLSTM", ["x", "w", "r", *[""] * 5, "ws", "wz", "rs", "rz"], ["y"], domain=MS, hidden_size=8
        ),
        RNG.standard_normal((3, 1, 4)).astype(np.float32),
        {"w": small(1, 4, 32), "r": small(1, 8, 32), **LSTM},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_exact_form(name: str, tmp_path: Path, saturating_products: Callable[[ModelProto], list[str]]) -> None:
    node, x, constants = CASES[name]
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(array, constant) for constant, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MS, 1)]
    file = tmp_path / "m.onnx"
    file.write_bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    outputs, rewritten = run_original(file, {"x": x})
    assert outputs["y"].tobytes() == run_reference(file, {"x": x})["y"].tobytes()
    assert "of uint8 by int8 made uint8 by uint8" in rewritten
    form = exact_form(file)
    assert form is not None
    assert saturating_products(form.model) == []


def test_every_operator_has_a_case() -> None:
    assert {(node.domain, node.op_type) for node, _, _ in CASES.values()} == PRODUCTS.keys()
