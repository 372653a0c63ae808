"""Each activation function, with the numbers that ONNX Runtime has for it and with given ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import helper

from passes.raise_matmul.recurrent.recurrent_activations import activations

FUNCTIONS = {
    "Affine": 2, "Elu": 1, "HardSigmoid": 2, "LeakyRelu": 1, "Relu": 0, "ScaledTanh": 2, "Sigmoid": 0, "Softplus": 0,
    "Softsign": 0, "Tanh": 0, "ThresholdedRelu": 1,
}  # fmt: skip
"""With how many numbers each takes."""


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("told", [False, True])
def test_functions(name: str, told: bool, recurrent: Callable[..., Any]) -> None:
    numbers: dict[str, Any] = {"activation_alpha": [0.75]} if told and FUNCTIONS[name] else {}
    numbers |= {"activation_beta": [0.5]} if told and FUNCTIONS[name] > 1 else {}
    node = helper.make_node("RNN", ["x", "w", "r"], ["y"], hidden_size=3, activations=[name], **numbers)
    dice = np.random.default_rng(0)
    arrays = {n: dice.normal(size=(1, 3, 3)).astype(np.float32) for n in ("w", "r")}
    recurrent(node, {"x": dice.normal(size=(4, 2, 3)).astype(np.float32)}, arrays).check()


def test_numbers_go_to_those_that_take_any_in_order() -> None:
    made = activations(["Tanh", "Elu", "ScaledTanh", "Elu"], [1.5, 2.5], [3.5])
    assert made is not None
    assert [(f.name, f.alpha, f.beta) for f in made[1:]] == [("elu", 1.5, 0), ("scaledtanh", 2.5, 3.5), ("elu", 1, 0)]


def test_an_unknown_function() -> None:
    assert activations(["Tanh", "Sine"], [], []) is None
