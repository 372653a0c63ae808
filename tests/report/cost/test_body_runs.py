"""What nodes in bodies see, each time they run."""

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from cimc.machine.onnx_kernels import plain_session
from cimc.report.cost.body_runs import BodyWatch, nested_nodes

LOOP = """<ir_version: 8, opset_import: ["" : 17]> g (float[n,4] x, int64 count) => (float[n,4] y) {
    y = Loop (count, , x) <body = b (int64 i, bool go, float[n,4] h) => (bool on, float[n,4] z) {
        on = Identity(go) [product] z = Gemm(h, w) }> }"""


def _watched() -> tuple[onnx.ModelProto, BodyWatch]:
    model = onnx.parser.parse_model(LOOP)
    model.graph.initializer.append(numpy_helper.from_array(np.ones((4, 4), np.float32), "w"))
    return model, BodyWatch(model.graph)


def test_a_loop_is_seen_in_every_iteration() -> None:
    model, watch = _watched()
    with watch.profile() as profile:
        session = plain_session(model.SerializeToString(), packed=False, profile=profile)
        session.run(["y"], {"x": np.ones((3, 4), np.float32), "count": np.array(5)})
        seen = watch.seen(session.end_profile())
    assert profile is not None
    assert seen == {1: 5 * ((((3, 4), (4, 4)), ((3, 4),)),)}
    assert not Path(profile).parent.exists()


def test_names_come_back() -> None:
    model, watch = _watched()
    names = [node.name for node in nested_nodes(model.graph)]
    assert watch.with_names(f"node {names[1]} fails") == "node product fails"


def test_nothing_is_noted_where_nothing_multiplies() -> None:
    watch = BodyWatch(onnx.parser.parse_graph("g (float x) => (float y) { y = Neg(x) }"))
    with watch.profile() as profile:
        assert profile is None
