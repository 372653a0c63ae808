"""Ranges of values in bodies of control flow, over all iterations, with 0 in them."""

import numpy as np
import onnxruntime as ort
import pytest
from onnx import parser

from passes.rewriting.calibration.watched_bodies import BodyWatch

LOOP = """<ir_version: 8, opset_import: ["" : 17]> g (int64 trips, bool go, float[n] x) => (float[n] y) {
    y = Loop(trips, , x) <body = b (int64 i, bool c, float[n] s) => (bool c2, float[n] t) {
      c2 = Identity(c)
      t = If(go) <then_branch = t () => (float[n] p) { two = Constant<value = float {-2.0}>() p = Mul(s, two) },
        else_branch = e () => (float[n] q) { q = Identity(s) }>
    }>
}"""


@pytest.mark.parametrize(
    ("trips", "go", "expected"),
    [(3, True, (-6.0, 12.0)), (1, True, (0.0, 3.0)), (0, True, (0.0, 0.0)), (3, False, (0.0, 0.0))],
)
def test_a_value_in_a_branch_of_a_loop(trips: int, go: bool, expected: tuple[float, float]) -> None:
    model = parser.parse_model(LOOP)
    ends = BodyWatch(model.graph).add("s", "p")
    assert ends is not None
    session = ort.InferenceSession(model.SerializeToString())
    inputs = {"trips": np.array(trips), "go": np.array(go), "x": np.array([1, 3], np.float32)}
    assert tuple(float(end) for end in session.run(list(ends), inputs)) == expected


def test_scans_with_axes_of_their_own() -> None:
    model = parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]> g (float[n,t] xs) => (float[n,t] ys) {
        ys = Scan<num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1], scan_output_directions = [1],
          body = b (float[n] x) => (float[n] y) { y = Neg(x) }>(xs)
    }""")
    ends = BodyWatch(model.graph).add("x", "y")
    assert ends is not None
    session = ort.InferenceSession(model.SerializeToString())
    low, high = session.run(list(ends), {"xs": np.array([[1, -2, 3], [4, 5, -6]], np.float32)})
    assert (low, high) == (-6, 5)


def test_no_such_value() -> None:
    assert BodyWatch(parser.parse_model(LOOP).graph).add("s", "nothing") is None
