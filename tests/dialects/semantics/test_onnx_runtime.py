"""Graphs run as they are written, and no longer than they may."""

import threading
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, parser

from dialects.semantics.onnx_runtime import GraphError, TooLong, run_graph, time_limit

X = {"x": np.ones(1, np.float32)}


def model(graph: str) -> ModelProto:
    return parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {graph}')


def endless() -> ModelProto:
    return model("""g (float[1] x) => (float[1] y) {
        most = Constant<value = int64 {9223372036854775807}>() go = Constant<value = bool {1}>()
        y = Loop<body = b (int64 i, bool c, float[1] s) => (bool d, float[1] t)
                 { d = Identity(c) t = Abs(s) }>(most, go, x)
    }""")


def test_outputs_and_errors() -> None:
    graph = model("g (float[n] x) => (float[n] y) { y = Neg(x) }")
    assert run_graph(graph, {**X, "unknown": X["x"]})["y"].tolist() == [-1]
    with pytest.raises(GraphError):
        run_graph(graph, {})
    with pytest.raises(GraphError):
        run_graph(model("g (float[n] x) => (float[n] y) { y = Frob(x) }"), X)


def test_graphs_that_never_end() -> None:
    with time_limit(0.05), pytest.raises(TooLong) as raised:
        run_graph(endless(), X)
    assert str(raised.value) == "ONNX Runtime took longer than 0.05 s: allow more with --time-limit"
    for thread in threading.enumerate():
        if thread.name == "stoppable work":
            thread.join(30)
            assert not thread.is_alive()


def test_no_other_formats(tmp_path: Path) -> None:
    """What looks like a file of ONNX Runtime's own format is taken for a damaged one: nobody has checked it."""
    (tmp_path / "m.onnx").write_bytes(b"\x18\0\0\0ORTM" + bytes(64))
    with pytest.raises(GraphError, match="INVALID_PROTOBUF"):
        run_graph(str(tmp_path / "m.onnx"), {})


@pytest.mark.parametrize("name", [b"abc", b"def"])
def test_inputs_and_outputs_with_names_that_are_no_utf8(name: bytes) -> None:
    content = model("g (float[n] abc) => (float[n] def) { def = Neg(abc) }").SerializeToString()
    graph = ModelProto.FromString(content.replace(name, b"\xffa\xfe"))
    with pytest.raises(GraphError, match=r"^an input or output has a name that is no UTF-8$"):
        run_graph(graph, {"abc": np.ones(2, np.float32)})
