"""`Scan` of operator set 8 goes over the sequences of a batch."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from cimc.onnx_import.reader import read
from dialects.errors import UserError

Lifted = Callable[..., list[str]]
GENERATOR = np.random.default_rng(0)
S = GENERATOR.standard_normal((2, 3)).astype(np.float32)
X, Z = GENERATOR.standard_normal((2, 2, 4, 3)).astype(np.float32)


def scanned(folder: Path, directions: list[int], lengths: bool, sequences: int = 2) -> Path:
    """A file with a `Scan` of one state and two sequences."""
    vectors = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("s", "x", "z", "t", "y")}
    whole = helper.make_tensor_value_info("i", TensorProto.INT32, [3])
    nodes = [
        helper.make_node("Add", ["s", "x"], ["t"]),
        helper.make_node("Mul", ["t", "z"], ["m"]),
        helper.make_node("Clip", ["m"], ["y"], min=-1.0),
        helper.make_node("Cast", ["m"], ["i"], to=TensorProto.INT32),
    ]
    body = helper.make_graph(nodes, "step", [vectors[n] for n in ("s", "x", "z")], [vectors["t"], vectors["y"], whole])
    node = helper.make_node(
        "Scan", ["l" if lengths else "", "S", "X", "Z"], ["T", "Y", "I"],
        name="scan", body=body, num_scan_inputs=sequences, directions=directions,
    )  # fmt: skip
    inputs = [("S", ["n", 3]), ("X", ["n", "steps", 3]), ("Z", ["n", "steps", 3])]
    entries = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs]
    if lengths:
        entries.append(helper.make_tensor_value_info("l", TensorProto.INT64, ["n"]))
    outputs = [("T", TensorProto.FLOAT, 2), ("Y", TensorProto.FLOAT, 3), ("I", TensorProto.INT32, 3)]
    results = [helper.make_tensor_value_info(name, element, [None] * rank) for name, element, rank in outputs]
    model = helper.make_model(
        helper.make_graph([node], "g", entries, results), opset_imports=[helper.make_opsetid("", 8)], ir_version=3
    )
    (folder / "scan.onnx").write_bytes(model.SerializeToString())
    return folder / "scan.onnx"


@pytest.mark.parametrize("directions", [[0, 0], [1, 0], [0, 1], [1, 1]])
def test_batches(directions: list[int], tmp_path: Path, lifted_bits: Lifted) -> None:
    lifted_bits(scanned(tmp_path, directions, lengths=False), {"S": S, "X": X, "Z": Z})


@pytest.mark.parametrize("lengths", [[4, 4], [2, 3], [1, 4]])
@pytest.mark.parametrize("directions", [[0, 0], [1, 0], [1, 1]])
def test_sequences_of_other_lengths(
    lengths: list[int], directions: list[int], tmp_path: Path, lifted_bits: Lifted
) -> None:
    """What comes after a sequence is zeros."""
    lifted_bits(scanned(tmp_path, directions, lengths=True), {"S": S, "X": X, "Z": Z, "l": np.array(lengths)})


def test_body_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        read(scanned(tmp_path, [0] * 4, lengths=False, sequences=4), {})
    assert str(error.value).endswith(
        "node 'scan' (Scan) has 3 states and sequences, and a body of 3 inputs: expected as many, 4 of them sequences"
    )
