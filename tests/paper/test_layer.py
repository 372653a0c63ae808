"""One layer of each network as ONNX: the right products, and what it computes does not depend on how it is compiled."""

from collections import Counter
from pathlib import Path
from typing import Any, Protocol

import pytest

from cimc.compiler import Compilation
from cimc.paper.layer import layer_model
from cimc.paper.shapes import NETWORKS


class Check(Protocol):
    def __call__(self, model: Path, **options: Any) -> Compilation: ...


@pytest.mark.parametrize("network", [NETWORKS[0], NETWORKS[2]], ids=["BERT-large", "BART-large"])
def test_operators(network: Any) -> None:
    for layer in dict.fromkeys(network.layers):
        products = sum(len(step) for step in layer)
        attentions = sum(len(step) > 1 for step in layer)
        dense = Counter(node.op_type for node in layer_model(layer, network.context, monarch=False).graph.node)
        monarch = Counter(node.op_type for node in layer_model(layer, network.context, monarch=True).graph.node)
        assert dense["MatMul"] == products + 2 * attentions
        assert monarch["MatMul"] == 2 * products + 2 * attentions
        assert dense["Softmax"] == attentions
        assert dense["LayerNormalization"] == attentions + 1


@pytest.mark.parametrize("monarch", [False, True])
def test_a_small_layer_compiles(monarch: bool, tmp_path: Path, compiled: Check) -> None:
    """n = 64 with all the steps of a decoder; the program equals ONNX Runtime (the fixture checks it)."""
    n = 64
    steps = (((n, n),) * 3, ((n, n),), ((n, n),) * 2, ((n, n),), ((n, n),), ((n, 4 * n),), ((4 * n, n),))
    file = tmp_path / "layer.onnx"
    file.write_bytes(layer_model(steps, 10, monarch).SerializeToString())
    program = compiled(file).program
    assert Counter(weight.structure for weight in program.weights) == {"monarch": 20} if monarch else {"dense": 10}
    assert [value.shape for value in program.inputs] == [
        (1, n),
        (1, 64, 10),
        (1, 10, 64),
        (1, n),
        (1, 64, 10),
        (1, 10, 64),
    ]
