"""ONNX Runtime's `FusedConv`: every function that it knows, with and without a bias and another tensor to add."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import helper

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("activation", "parameters", "opset"),
    [
        ("", [], 11),
        ("Relu", [], 11),
        ("Tanh", [], 17),
        ("Sigmoid", [], 17),
        ("LeakyRelu", [0.25], 17),
        ("Clip", [-2.0, 3.0], 11),
        ("HardSigmoid", [0.25, 0.5], 17),
        ("HardSwish", [], 11),
    ],
)
@pytest.mark.parametrize("added", [(), ("b",), ("b", "z"), ("", "z")])
def test_every_function(
    activation: str, parameters: list[float], opset: int, added: tuple[str, ...], raised: Callable[..., Any]
) -> None:
    attributes: dict[str, Any] = {"activation": activation} if activation else {}
    if parameters:
        attributes["activation_params"] = parameters
    x, w = (GENERATOR.integers(-3, 4, shape).astype(np.float32) for shape in ((2, 2, 6), (3, 2, 3)))
    constants = {"w": w, "b": np.arange(3, dtype=np.float32), "z": np.full((2, 3, 4), 0.5, np.float32)}
    node = helper.make_node("FusedConv", ["x", "w", *added], ["y"], domain="com.microsoft", **attributes)
    result = raised(node, x, {n: array for n, array in constants.items() if n in ("w", *added)}, opset=opset)
    assert "FusedConv" not in result.operators
    assert np.allclose(result.before, result.after, 1e-6, 1e-6)
