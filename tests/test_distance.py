"""The distance between the compiled network and the original, in numbers and in words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import ModelProto, load_model_from_string

from cimc.distance import Distance, distance_to_original

Write = Callable[..., Path]
X = np.array([[1, 2, 2, 4]], np.float32)


def model(file: Path) -> ModelProto:
    return load_model_from_string(file.read_bytes())


def test_identical(onnx_file: Write) -> None:
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }")
    assert str(distance_to_original(file, model(file), {"x": X})) == "identical to the original, bit for bit"


def test_the_worst_output_counts(onnx_file: Write) -> None:
    text = "g (float[n,4] x) => (float[n,4] y, float[n,4] z) {{ y = Neg(x)  z = {}(x) }}"
    network = model(onnx_file(text.format("Sqrt"), name="network.onnx"))
    file = onnx_file(text.format("Identity"), name="original.onnx")
    distance = distance_to_original(file, network, {"x": X})
    assert distance == Distance(False, distance.cosine, 2.0, "z")
    roots = np.sqrt(X)
    assert np.isclose(distance.cosine, (roots * X).sum() / np.linalg.norm(roots) / np.linalg.norm(X))
    assert str(distance) == f"cosine {distance.cosine:.6f}, largest difference 2 from the original (output 'z')"


def test_other_shapes_and_texts(onnx_file: Write) -> None:
    network = model(onnx_file("g (float[n,4] x) => (float[4,n] y) { y = Transpose(x) }"))
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Identity(x) }")
    assert distance_to_original(file, network, {"x": X}) == Distance(False, 0.0, float("inf"), "y")


def test_inputs_without_dimensions(onnx_file: Write) -> None:
    file = onnx_file("g (float x) => (float y) { y = Neg(x) }")
    assert distance_to_original(file, model(file), {"x": np.array(1, np.float32)}).identical


def test_networks_that_do_not_run(onnx_file: Write) -> None:
    file = onnx_file("g (float[n,4] x) => (float[n,3] y) { y = my.Frob(x) }", domains=', "my" : 1')
    distance = distance_to_original(file, model(file), {"x": X})
    assert str(distance).startswith("not measured: ")
    assert "\n" not in str(distance)
