"""Batched products of integers become blocks, and keep every bit of the original file."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from cimc.compiler import Options, compile_network
from cimc.machine.check import compare, run_reference
from cimc.machine.machine import Machine
from cimc.report.report import report_of


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("zero_weight", [0, 3])
def test_batched_integers(tmp_path: Path, signed: bool, zero_weight: int) -> None:
    generator = np.random.default_rng(5)
    kind = np.int8 if signed else np.uint8
    low = -100 if signed else 20
    weight = generator.integers(low, low + 150, (4, 6, 5)).astype(kind)
    zero = np.array(zero_weight if signed else 100 + zero_weight, kind)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("Reshape", ["q", "split"], ["r"]),
        helper.make_node("Transpose", ["r"], ["t"], perm=[1, 0, 2]),
        helper.make_node("MatMulInteger", ["t", "w", "zero", "wz"], ["m"], name="blocks"),
        helper.make_node("Transpose", ["m"], ["back"], perm=[1, 0, 2]),
        helper.make_node("Reshape", ["back", "join"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "blocks",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 24])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, ["batch", 20])],
        [
            numpy_helper.from_array(weight, "w"),
            numpy_helper.from_array(zero, "wz"),
            numpy_helper.from_array(np.array([-1, 4, 6]), "split"),
            numpy_helper.from_array(np.array([-1, 20]), "join"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file = tmp_path / "blocks.onnx"
    file.write_bytes(model.SerializeToString())
    program = compile_network(file, Options(verify_each=True)).program
    (layer,) = report_of(program).layers
    assert (layer.kind, layer.stored_weights, layer.node) == ("block_diagonal", weight.size, "blocks")
    inputs = {"x": generator.standard_normal((7, 24)).astype(np.float32)}
    assert compare(Machine(program).run(inputs), run_reference(file, inputs)).identical
