"""Single settings of cells, each against ONNX Runtime's own operator."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import helper


@pytest.mark.parametrize(
    ("op", "extra", "settings"),
    [
        ("RNN", [], {"clip": 0.3}),
        ("GRU", ["b"], {"linear_before_reset": 1}),
        ("GRU", [], {"linear_before_reset": 1}),
        ("GRU", ["b"], {"clip": 0.3}),
        ("LSTM", ["b", "", "", "", "p"], {}),
        ("LSTM", ["b", "", "", "", "p"], {"input_forget": 1, "clip": 0.4}),
    ],
)
def test_settings(op: str, extra: list[str], settings: dict[str, Any], recurrent: Callable[..., Any]) -> None:
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[op]
    dice = np.random.default_rng(1)
    shapes = {"w": (1, 4 * gates, 3), "r": (1, 4 * gates, 4), "b": (1, 8 * gates), "p": (1, 12)}
    arrays = {name: dice.normal(size=shapes[name]).astype(np.float32) for name in ["w", "r", *filter(None, extra)]}
    node = helper.make_node(op, ["x", "w", "r", *extra], ["y", "h"], hidden_size=4, **settings)
    recurrent(node, {"x": dice.normal(size=(4, 2, 3)).astype(np.float32)}, arrays).check()
