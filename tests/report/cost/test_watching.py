"""Shapes of tensors that nobody keeps."""

import numpy as np
import onnx

from cimc.machine.onnx_kernels import plain_session
from cimc.report.cost.watching import shapes_in, with_outputs, with_shapes

CHAIN = """<ir_version: 8, opset_import: ["" : 17]> g (float[n,4] x) => (float[m,2] y)
    { a = Abs(x)  b = Transpose(a)  y = Reshape(b, s) }"""


def _model() -> onnx.ModelProto:
    model = onnx.parser.parse_model(CHAIN)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([-1, 2]), "s"))
    return model


def test_shapes_of_what_is_inside() -> None:
    model = with_shapes(_model(), ["a", "b"])
    names = [output.name for output in model.graph.output]
    session = plain_session(model.SerializeToString(), early=True)
    outputs = dict(zip(names, session.run(names, {"x": np.ones((3, 4), np.float32)}), strict=True))
    assert shapes_in(outputs, ["a", "b"]) == {"a": (3, 4), "b": (4, 3)}
    assert outputs["y"].shape == (6, 2)
    assert sum(array.nbytes for array in outputs.values()) == 6 * 2 * 4 + 2 * 2 * 8


def test_what_has_no_shape_is_given_itself() -> None:
    model = with_outputs(_model(), ["b"])
    (output,) = plain_session(model.SerializeToString()).run(["b"], {"x": np.ones((3, 4), np.float32)})
    assert output.shape == (4, 3)
    assert shapes_in({"b": output}, ["b"]) == {}
