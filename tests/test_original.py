"""The original in exact form: its integers are those that ONNX defines, on every processor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, convert_model_to_external_data, helper, load_model_from_string, numpy_helper

from cimc.compiler import Options, compile_network
from cimc.original import exact_form, original_of, run_original
from cimc.program.metadata import Source
from dialects.errors import UserError

Array = NDArray[Any]
Write = Callable[..., Path]
Find = Callable[[ModelProto], list[str]]

GENERATOR = np.random.default_rng(0)
X = GENERATOR.integers(200, 256, (5, 64)).astype(np.uint8)
"""Large numbers, so that pairs of products do not fit 16 bits."""
W = np.where(GENERATOR.random((64, 8)) < 0.5, -128, 127).astype(np.int8)
EXACT = X.astype(np.int64) @ W.astype(np.int64)
ONE_PRODUCT = "1 product of uint8 by int8 made uint8 by uint8"


def test_networks_that_are_exact_as_they_are(onnx_file: Write) -> None:
    for text in ("y = MatMul(x, w)", "c = Cast<to=2>(x) i = MatMulInteger(c, c) y = Cast<to=1>(i)"):
        file = onnx_file(f"g (float[4,4] x) => (float[4,4] y) {{ {text} }}", {"w": np.ones((4, 4), np.float32)})
        assert exact_form(file) is None
        assert run_original(file, {"x": np.ones((4, 4), np.float32)})[1] == ""


def test_a_constant_weight(onnx_file: Write, saturating_products: Find) -> None:  # N22
    text = "g (uint8[n,64] x) => (int32[n,8] y) { y = MatMulInteger(x, w) }"
    file = onnx_file(text, {"w": W})
    outputs, rewritten = run_original(file, {"x": X})
    assert np.array_equal(outputs["y"], EXACT)
    assert rewritten == ONE_PRODUCT
    form = exact_form(file)
    assert form is not None
    assert saturating_products(form.model) == []
    assert saturating_products(load_model_from_string(file.read_bytes())) != []


def test_zero_points_of_both(onnx_file: Write) -> None:
    text = "g (uint8[n,64] x) => (int32[n,8] y) { y = MatMulInteger(x, w, zx, zw) }"
    zeros = {"zx": np.array(7, np.uint8), "zw": GENERATOR.integers(-128, 128, 8).astype(np.int8)}
    outputs, _ = run_original(onnx_file(text, {"w": W, **zeros}), {"x": X})
    expected = (X.astype(np.int64) - 7) @ (W.astype(np.int64) - zeros["zw"].astype(np.int64))
    assert np.array_equal(outputs["y"], expected)


def test_two_activations_of_a_batch(onnx_file: Write) -> None:
    text = "g (uint8[b,n,64] x, int8[b,64,8] w, int8 z) => (int32[b,n,8] y) { y = MatMulInteger(x, w, , z) }"
    feeds = {"x": np.stack([X, X[::-1]]), "w": np.stack([W, W]), "z": np.array(-5, np.int8)}
    outputs, rewritten = run_original(onnx_file(text), feeds)
    assert np.array_equal(outputs["y"], feeds["x"].astype(np.int64) @ (feeds["w"].astype(np.int64) + 5))
    assert rewritten == ONE_PRODUCT


def test_int8_by_uint8(onnx_file: Write) -> None:
    text = "g (int8[8,64] x, uint8[64,n] w) => (int32[8,n] y) { y = MatMulInteger(x, w) }"
    outputs, _ = run_original(onnx_file(text), {"x": np.ascontiguousarray(W.T), "w": np.ascontiguousarray(X.T)})
    assert np.array_equal(outputs["y"], EXACT.T)


SCALES = {"sx": np.array(0.5, np.float32), "sw": np.array(0.25, np.float32), "sy": np.array(20, np.float32)}
ZEROS = {"zx": np.array(190, np.uint8), "zw": np.array(-3, np.int8), "zy": np.array(128, np.uint8)}


def requantised(accumulated: Array) -> Array:
    """What QLinear operators make of a sum of products."""
    scaled = np.round(accumulated.astype(np.float32) * np.float32(0.5 * 0.25 / 20)) + 128
    return np.clip(scaled, 0, 255).astype(np.uint8)


def test_qlinear_matmul(onnx_file: Write) -> None:
    text = "g (uint8[n,64] x, int8[64,8] w) => (uint8[n,8] y) { y = QLinearMatMul(x, sx, zx, w, sw, zw, sy, zy) }"
    outputs, _ = run_original(onnx_file(text, SCALES | ZEROS), {"x": X, "w": W})
    assert np.array_equal(outputs["y"], requantised((X.astype(np.int64) - 190) @ (W.astype(np.int64) + 3)))


def test_convolutions(onnx_file: Write) -> None:
    """A kernel of one point is a matrix product: channels are the 64 numbers."""
    images, kernel = X.reshape(5, 64, 1, 1), np.ascontiguousarray(W.T).reshape(8, 64, 1, 1)
    qlinear = "y = QLinearConv(x, sx, zx, w, sw, zw, sy, zy)"
    file = onnx_file(f"g (uint8[n,64,1,1] x) => (uint8[n,8,1,1] y) {{ {qlinear} }}", {"w": kernel, **SCALES, **ZEROS})
    expected = (X.astype(np.int64) - 190) @ (W.astype(np.int64) + 3)
    assert np.array_equal(run_original(file, {"x": images})[0]["y"][..., 0, 0], requantised(expected))
    for x, w, zx, zw in (("uint8", kernel, 190, -3), ("int8", kernel.view(np.uint8) ^ 128, 62, 125)):
        integers = images if x == "uint8" else (images ^ 128).view(np.int8)
        zeros = {"zx": np.array(zx, x), "zw": np.array(zw, w.dtype)}
        text = f"g ({x}[n,64,1,1] x) => (int32[n,8,1,1] y) {{ y = ConvInteger(x, w, zx, zw) }}"
        found, _ = run_original(onnx_file(text, {"w": w, **zeros}), {"x": integers})
        assert np.array_equal(found["y"][..., 0, 0], expected), x


def test_operators_that_quantise_by_themselves(onnx_file: Write) -> None:
    text = "g (float[n,64] x) => (float[n,8] y) { y = com.microsoft.DynamicQuantizeMatMul(x, w, s) }"
    file = onnx_file(text, {"w": W, "s": np.array(1, np.float32)}, domains=', "com.microsoft" : 1')
    x = X.astype(np.float32)
    x[:, 0], x[0, 1] = 255, 0  # one step of the activation is 1
    outputs, rewritten = run_original(file, {"x": x})
    assert np.array_equal(outputs["y"], x.astype(np.int64) @ W.astype(np.int64))
    assert rewritten == ONE_PRODUCT


def test_products_in_bodies_and_functions(tmp_path: Path) -> None:
    """A body sees the weight outside of it; a function is inlined."""
    body = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["inner"])],
        "body",
        [],
        [helper.make_tensor_value_info("inner", TensorProto.INT32, ["n", 8])],
    )
    function = helper.make_function(
        "mine", "Twice", ["a", "b"], ["c"],
        [helper.make_node("MatMulInteger", ["a", "b"], ["p"]), helper.make_node("Add", ["p", "p"], ["c"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    graph = helper.make_graph(
        [
            helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body),
            helper.make_node("Twice", ["x", "w"], ["z"], domain="mine"),
        ],
        "outer",
        [
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.UINT8, ["n", 64]),
        ],
        [helper.make_tensor_value_info(name, TensorProto.INT32, ["n", 8]) for name in "yz"],
        [numpy_helper.from_array(W, "w")],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=[function], ir_version=8)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    outputs, rewritten = run_original(tmp_path / "m.onnx", {"x": X, "c": np.array(True)})
    assert np.array_equal(outputs["y"], EXACT)
    assert np.array_equal(outputs["z"], 2 * EXACT)
    assert rewritten == "3 products of uint8 by int8 made uint8 by uint8"


def test_external_data(onnx_file: Write, tmp_path: Path) -> None:
    text = "g (uint8[n,64] x) => (int32[n,8] y) { y = MatMulInteger(x, w) }"
    model = load_model_from_string(onnx_file(text, {"w": W}).read_bytes())
    (tmp_path / "w.data").write_bytes(W.tobytes())
    convert_model_to_external_data(model, location="w.data", size_threshold=0)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    (tmp_path / "external.onnx").write_bytes(model.SerializeToString())
    outputs, _ = run_original(tmp_path / "external.onnx", {"x": X})
    assert np.array_equal(outputs["y"], EXACT)


def test_half_precision_is_rounded_where_the_network_says(onnx_file: Write) -> None:  # N22
    text = "g (float16[n,8] x) => (float16[n,8] y) { e = Exp(x) r = Neg(e) y = Mul(r, e) }"
    x = GENERATOR.standard_normal((3, 8)).astype(np.float16)
    outputs, rewritten = run_original(onnx_file(text), {"x": x})
    root = np.exp(x.astype(np.float32))
    assert rewritten == "float16 made float32"
    assert outputs["y"].dtype == np.float16
    assert np.allclose(outputs["y"].astype(np.float32), -root * root, rtol=2**-10)


def test_types_that_nothing_tells(onnx_file: Write) -> None:
    """Shape inference knows nothing of the operator, and neither does ONNX Runtime."""
    file = onnx_file(
        "g (uint8[n,64] x) => (int32[n,8] y) { w = my.Weight(x) y = MatMulInteger(x, w) }", domains=', "my" : 1'
    )
    with pytest.raises(UserError, match="the types of the integers that it multiplies are not known"):
        run_original(file, {"x": X})


def test_the_original_of_a_program(onnx_file: Write, tmp_path: Path) -> None:
    """A program knows the name of the file that it was compiled from, and what was in it then."""
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = MatMul(x, w) }", {"w": np.ones((4, 4), np.float32)})
    source = compile_network(file, Options(chip="tiny-4", measure=False)).program.source
    folders = [tmp_path / "none", tmp_path]
    assert original_of(source, folders) == (file, "")
    file.write_bytes(file.read_bytes() + b"\0")
    assert original_of(source, folders) == (None, f"{file} has changed since the program was compiled from it")
    file.unlink()
    assert original_of(source, folders) == (None, "network.onnx is neither here nor beside the program")
    assert original_of(Source(), folders) == (None, "the program does not say what it was compiled from")
