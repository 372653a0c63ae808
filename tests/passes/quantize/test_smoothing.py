"""Activations with outliers lose less when they are smoothed before they are quantised."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.compiler import Options, compile_network
from cimc.machine.check import Reference, compare
from cimc.machine.machine import Machine
from cimc.report.report import report_of
from dialects.errors import UserError

RNG = np.random.default_rng(0)
OUTLIERS = [3, 17]
Floats = NDArray[np.float32]


def inputs_of(size: int) -> Floats:
    x = RNG.normal(size=(64, size)).astype(np.float32)
    x[:, OUTLIERS] *= 60
    return x


def normal(*shape: int) -> Floats:
    return RNG.normal(size=shape).astype(np.float32)


DENSE = "g (float[n,32] x) => (float[n,8] y, float[n,6] z) { y = MatMul(x, a) z = MatMul(x, b) }"
BLOCKS = """g (float[n,32] x) => (float[n,16] y)
<int64[3] cut = {0, 4, 8}, int64[2] joined = {0, 16}> {
    parts = Reshape(x, cut)
    first = Transpose<perm = [1, 0, 2]>(parts)
    made = MatMul(first, a)
    back = Transpose<perm = [1, 0, 2]>(made)
    y = Reshape(back, joined)
}"""
SHARED = "g (float[n,32] x) => (float[n,8] y, float[n,8] z) { y = MatMul(x, a) w = Abs(x) z = MatMul(w, a) }"


@pytest.mark.parametrize(
    ("text", "weights", "smoothed"),
    [
        (DENSE, {"a": normal(32, 8), "b": normal(32, 6)}, True),
        (BLOCKS, {"a": normal(4, 8, 4)}, True),
        (SHARED, {"a": normal(32, 8)}, False),
    ],
    ids=["dense", "blocks", "shared"],
)
def test_products_of_activations_with_outliers(
    onnx_file: Callable[..., Path], tmp_path: Path, text: str, weights: dict[str, Floats], smoothed: bool
) -> None:
    network, reference, floats = onnx_file(text, weights), tmp_path / "ref.onnx", {"x": inputs_of(32)}
    np.savez(tmp_path / "x.npz", x=floats["x"])
    expected, lost = Reference(network).run(floats), list[float]()
    for smooth in (False, True):
        options = Options(
            chip="tiny-4", calibrate=tmp_path / "x.npz", activations="token", smooth=smooth, reference=reference,
            measure=False,
        )  # fmt: skip
        program = compile_network(network, options).program
        outputs = Machine(program).run(floats)
        assert compare(outputs, Reference(reference).run(floats)).identical
        lost.append(max(float(np.abs(outputs[name] - expected[name]).max()) for name in expected))
        notes = [layer.notes for layer in report_of(program).layers]
        assert any("smoothing" in note and note["smoothing"] for note in notes) == (smooth and smoothed)
    assert (lost[1] < lost[0] / 2) if smoothed else (lost[1] == lost[0])


def test_without_inputs(onnx_file: Callable[..., Path]) -> None:
    network = onnx_file(DENSE, {"a": normal(32, 8), "b": normal(32, 6)})
    with pytest.raises(UserError, match=r"--smooth needs calibration inputs: give them with --calibrate x\.npz"):
        compile_network(network, Options(smooth=True, measure=False))


def test_activations_that_are_not_finite(onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    """What the network makes of finite inputs may be infinite: that is said, and where."""
    network = onnx_file("g (float[n,4] x) => (float[n,2] y) { e = Exp(x) y = MatMul(e, a) }", {"a": normal(4, 2)})
    np.savez(tmp_path / "x.npz", x=np.full((2, 4), 200, np.float32))
    options = Options(chip="tiny-4", calibrate=tmp_path / "x.npz", activations="token", smooth=True, measure=False)
    with pytest.raises(UserError, match=r"x\.npz: on these inputs node .* multiplies inf, at \[0, 0\] of \[2, 4\]"):
        compile_network(network, options)
