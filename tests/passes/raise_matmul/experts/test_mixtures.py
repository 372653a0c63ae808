"""`MoE` as operators that choose experts: the numbers of ONNX Runtime's kernel, where it has one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[Any]
Raised = Callable[..., Any]
GENERATOR = np.random.default_rng(0)
HIDDEN, INNER, EXPERTS = 4, 6, 3
X = GENERATOR.standard_normal((5, HIDDEN)).astype(np.float32)
node = helper.make_node


def floats(*shape: int) -> Array:
    return GENERATOR.standard_normal(shape).astype(np.float32)


CONSTANTS = {
    "router": floats(HIDDEN, EXPERTS),
    "one": floats(EXPERTS, INNER, HIDDEN),
    "two": floats(EXPERTS, HIDDEN, INNER),
    "three": floats(EXPERTS, INNER, HIDDEN),
    "gated": floats(EXPERTS, 2 * INNER, HIDDEN),
    "halves": floats(EXPERTS, 2 * INNER, HIDDEN),
    "bias1": floats(EXPERTS, INNER),
    "bias2": floats(EXPERTS, HIDDEN),
}
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "one expert": ("x r one bias1 two bias2", {"k": 1}),
    "two experts": ("x r one bias1 two bias2", {"k": 2}),
    "all experts, normalised": ("x r one bias1 two", {"k": 3, "normalize_routing_weights": 1}),
    "gelu": ("x r one - two", {"k": 2, "activation_type": "gelu", "normalize_routing_weights": 1}),
    "silu": ("x r one - two bias2", {"k": 2, "activation_type": "silu"}),
    "identity": ("x r one - two", {"k": 2, "activation_type": "identity"}),
    "swiglu": ("x r gated - two", {"k": 2, "activation_type": "swiglu", "swiglu_fusion": 1}),
    "swiglu with its numbers": (
        "x r gated - two",
        {
            "k": 2,
            "activation_type": "swiglu",
            "swiglu_fusion": 1,
            "activation_alpha": 1.7,
            "activation_beta": 1.0,
            "swiglu_limit": 0.5,
        },
    ),
}


def used(names: str) -> dict[str, Array]:
    return {name: array for name, array in CONSTANTS.items() if name in names.split() or name == "router"}


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("name", SETTINGS)
def test_mixtures(name: str, opset: int, raised: Raised) -> None:
    inputs, settings = SETTINGS[name]
    names = [part.replace("-", "") for part in inputs.split()]
    nodes = [
        node("MatMul", ["x", "router"], ["r"]),
        node("MoE", names, ["y"], domain="com.microsoft", **settings),
    ]
    network = raised(nodes, X, used(inputs), ["t", HIDDEN], opset)
    assert "MoE" not in network.operators
    assert len(network.weights) == 1 + 2 * EXPERTS
    np.testing.assert_allclose(network.after, network.before, rtol=1e-5, atol=1e-5)


def test_batches(raised: Raised) -> None:
    """Tokens of several sequences, in an input of three dimensions."""
    nodes = [
        node("Reshape", ["x", "flat"], ["t"]),
        node("MatMul", ["t", "router"], ["r"]),
        node("MoE", ["x", "r", "one", "", "two"], ["y"], domain="com.microsoft", k=2),
    ]
    constants = {**used("one two"), "flat": np.array([-1, HIDDEN])}
    network = raised(nodes, X[None, :4].reshape(2, 2, HIDDEN), constants, ["b", "s", HIDDEN])
    assert network.after.shape == (2, 2, HIDDEN)
    np.testing.assert_allclose(network.after, network.before, rtol=1e-5, atol=1e-5)
