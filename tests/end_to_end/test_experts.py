"""Mixtures of experts: all experts are on arrays, and each token is multiplied by those that it has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from cimc.compiler import Compilation
from cimc.machine.machine import Machine

Array = NDArray[Any]
Check = Callable[..., Compilation]
GENERATOR = np.random.default_rng(0)
HIDDEN, INNER, EXPERTS, CHOSEN = 8, 4, 4, 2
node = helper.make_node


def floats(*shape: int) -> Array:
    return GENERATOR.standard_normal(shape).astype(np.float32)


def mixture(folder: Path, opset: int = 17) -> Path:
    """Two layers of experts, of which a router chooses two for each token."""
    nodes = [
        node("MatMul", ["x", "router"], ["r"]),
        node("TopK", ["r", "k"], ["top", "index"]),
        node("Softmax", ["top"], ["weights"], axis=1),
        node("Gather", ["first", "index"], ["w1"]),
        node("Gather", ["second", "index"], ["w2"]),
        node("Reshape", ["x", "rows"], ["rows_of_x"]),
        node("MatMul", ["rows_of_x", "w1"], ["hidden"]),
        node("Relu", ["hidden"], ["bent"]),
        node("MatMul", ["bent", "w2"], ["each"]),
        node("Reshape", ["weights", "cells"], ["factors"]),
        node("Mul", ["each", "factors"], ["weighted"]),
        node("ReduceSum", ["weighted", "middle"], ["y"], keepdims=0),
    ]
    constants = {
        "router": floats(HIDDEN, EXPERTS),
        "first": floats(EXPERTS, HIDDEN, INNER),
        "second": floats(EXPERTS, INNER, HIDDEN),
        "k": np.array([CHOSEN]),
        "rows": np.array([-1, 1, 1, HIDDEN]),
        "cells": np.array([-1, CHOSEN, 1, 1]),
        "middle": np.array([1, 2]),
    }
    graph = helper.make_graph(
        nodes,
        "mixture",
        [helper.make_tensor_value_info("x", 1, ["tokens", HIDDEN])],
        [helper.make_tensor_value_info("y", 1, ["tokens", HIDDEN])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    (folder / "mixture.onnx").write_bytes(model.SerializeToString())
    return folder / "mixture.onnx"


@pytest.mark.parametrize("activations", ["token", "tensor"])
@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_chosen_experts_alone_multiply(activations: str, engine: Any, tmp_path: Path, compiled: Check) -> None:
    """A run makes the conversions of the router and of two experts for every token, whichever these are."""
    compilation = compiled(mixture(tmp_path), {"x": floats(5, HIDDEN)}, activations=activations)
    program = compilation.program
    assert len(program.multiplications) == 1 + 2 * EXPERTS
    assert compilation.distance is not None
    assert (compilation.distance.cosine or 0) > 0.995
    machine = Machine(program, engine)
    conversions: list[int] = []
    for tokens in (0, 1, 3):
        machine.run({"x": floats(tokens, HIDDEN)})
        conversions.append(sum(machine.conversions.values()))
    assert conversions[0] == 0
    assert conversions[2] == 3 * conversions[1]
    machine.run({"x": np.tile(floats(1, HIDDEN), (EXPERTS, 1))})
    assert sum(machine.conversions.values()) == EXPERTS * conversions[1]
