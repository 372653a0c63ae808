"""Convolutions: what is told of pixels gives the bits that vectors would; one scale is applied before the gather."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.cim import DigitalOp, MatmulOp
from dialects.element_types import element_type, ui8
from dialects.network import Network, operations, shape_of
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import run_graph
from dialects.weights import WeightStore
from passes.quantize import quantize
from passes.quantize.gathered import gathered
from passes.quantize.quantize import QuantizePass

Array = NDArray[Any]
GENERATOR = np.random.default_rng(0)
CONVOLUTION = "g (float[n,4,h,w] x) => (float[n,6,a,b] y) { y = Conv<pads = [1,1,1,1], strides = [2,1]>(x, k) }"
KERNEL = GENERATOR.standard_normal((6, 4, 3, 3)).astype(np.float32)
IMAGE = GENERATOR.standard_normal((2, 4, 7, 6)).astype(np.float32)


def quantised(file: Path, activations: str, calibration: Path | None = None) -> Network:
    context = make_context(WeightStore())
    module = import_onnx(context, file, load_chip("tiny-4"))
    QuantizePass(activations, None if calibration is None else str(calibration)).apply(context, module)
    module.verify()
    return Network.of(context, module)


def run(network: Network, x: Array) -> Array:
    (y,) = run_graph(network_model(network), {"x": x}).values()
    return y


def nothing(vectors: SSAValue, network: Network) -> None:
    """No vectors are gathered."""


@pytest.mark.parametrize("opset", [11, 18])
@pytest.mark.parametrize("groups", [1, 2])
def test_each_position_has_the_scale_of_what_it_sees(
    opset: int, groups: int, onnx_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CONVOLUTION.replace("<", f"<group = {groups}, ")
    file = onnx_file(text, {"k": KERNEL[:, : 4 // groups]}, opset=opset)
    by_pixels = quantised(file, "token")
    monkeypatch.setattr(quantize, "gathered", nothing)
    by_vectors = quantised(file, "token")
    assert run(by_pixels, IMAGE).tolist() == run(by_vectors, IMAGE).tolist()


@pytest.mark.parametrize("activations", ["tensor", "static"])
def test_one_scale_is_applied_before_the_gather(
    activations: str, onnx_file: Callable[..., Path], tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", x=IMAGE)
    calibration = tmp_path / "x.npz" if activations == "static" else None
    network = quantised(onnx_file(CONVOLUTION, {"k": KERNEL}), activations, calibration)
    images = [
        op.inputs[0]
        for op in operations(network.block)
        if isinstance(op, DigitalOp) and op.is_a("Gather") and len(shape_of(op.inputs[1].type) or ()) == 4
    ]
    assert [element_type(image.type) == ui8 for image in images] == [True, False]
    assert [(shape_of(image.type) or (0,))[-1] for image in images] == [4, 1]  # all channels, and what marks NaN
    (product,) = (op for op in operations(network.block) if isinstance(op, MatmulOp))
    assert product.is_integer
    file = onnx_file(CONVOLUTION, {"k": KERNEL})
    exact = run(quantised(file, "token"), IMAGE)
    assert np.abs(run(network, IMAGE) - exact).max() < 0.3


@pytest.mark.parametrize("activations", ["token", "tensor", "static"])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_positions_that_see_no_number_are_none(  # N14
    activations: str, number: float, onnx_file: Callable[..., Path], tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", x=IMAGE)
    network = quantised(onnx_file(CONVOLUTION, {"k": KERNEL}), activations, tmp_path / "x.npz")
    image = IMAGE.copy()
    image[1, 2, 3, 4] = number
    seen = np.zeros((2, 4, 6), bool)
    seen[1, 1:3, 3:6] = True  # rows 2 and 4 of the image are the centres of positions 1 and 2
    result = np.isnan(run(network, image))
    if activations == "tensor":  # its one scale comes from all numbers
        assert result[seen[:, None].repeat(6, 1)].all()
    else:
        assert (result == seen[:, None]).all()


@pytest.mark.parametrize(
    "text",
    [
        "g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, k) }",
        "g (float[n,4,1] x) => (float[n,a,b,c] y) { h = Gather<axis = 1>(x, t)  y = MatMul(h, k) }",
        "g (float[8,4] x) => (float[2,2,6] y) { h = Gather(x, t)  y = MatMul(h, k) }",
        "g (float[n,4,4] x) => (float[a,6] y) { g = Gather<axis = 1>(x, t)  h = Reshape(g, s)  y = MatMul(h, k) }",
    ],
)
def test_what_is_gathered_otherwise(text: str, onnx_file: Callable[..., Path]) -> None:
    rows = 1 if "x, t" in text and "[n,4,1]" in text else 4
    constants = {
        "t": np.zeros((2, 2), np.int64),
        "k": np.ones((rows, 6), np.float32),
        "s": np.array([-1, 4]),
    }
    file = onnx_file(text, {name: array for name, array in constants.items() if f"{name})" in text or name == "k"})
    context = make_context(WeightStore())
    network = Network.of(context, import_onnx(context, file, load_chip("tiny-4")))
    (product,) = (op for op in operations(network.block) if isinstance(op, MatmulOp))
    assert gathered(product.x, network) is None
