"""Dimensions of inputs that windows slide over."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.emitter.ports import network_inputs
from cimc.emitter.slots import Slots
from cimc.hardware.library import load_chip
from cimc.onnx_import.importer import import_onnx
from cimc.universe import make_context
from dialects.element_types import Array
from dialects.network import Network

KERNEL = np.ones((2, 3, 3, 3), np.float32)
LINE = np.ones((2, 1, 3), np.float32)


@pytest.fixture
def slides(onnx_file: Callable[..., Path]) -> Callable[..., dict[str, tuple[int, ...]]]:
    """The dimensions of each input that has any."""

    def of(text: str, **constants: Array) -> dict[str, tuple[int, ...]]:
        ctx = make_context()
        module = import_onnx(ctx, onnx_file(text, constants), load_chip("tiny-4"))
        inputs = network_inputs(Network.of(ctx, module), Slots())
        return {value.name: value.slides for value in inputs if value.slides}

    return of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("g (float[n,3,h,w] x) => (float y) { y = Conv(x, k) }", {"x": (2, 3)}),
        ("g (float[1,3,32,32] x) => (float y) { a = Relu(x)  y = Conv(a, k) }", {"x": (2, 3)}),
        ("g (float[1,3,32,w] x) => (float y) { y = Conv(x, k) }", {"x": (3,)}),
        (
            "g (float[n,h,w,3] x) => (float y) { t = Transpose <perm = [0, 3, 1, 2]> (x)  y = Conv(t, k) }",
            {"x": (1, 2)},
        ),
        (
            "g (uint8[n,3,h,w] x) => (float y) { t = Cast <to = 1> (x)  y = MaxPool <kernel_shape = [2, 2]> (t) }",
            {"x": (2, 3)},
        ),
        ("g (float[n,t] x) => (float y) { u = Unsqueeze(x, one)  y = Conv(u, line) }", {"x": (1,)}),
        ("g (float[n,t] x) => (float y) { u = Reshape(x, split)  y = Conv(u, line) }", {"x": (1,)}),
        ("g (float[n,1,t,1] x) => (float y) { u = Squeeze(x, last)  y = Conv(u, line) }", {"x": (2,)}),
        ("g (float[n,3] x) => (float y) { y = MatMul(x, m) }", {}),
        (
            """g (int64[n,t] ids) => (float y)
                { e = Gather(m, ids)  t = Transpose <perm = [0, 2, 1]> (e)  y = Conv(t, deep) }""",
            {},
        ),
        (
            """g (bool go, float[n,3,h,w] x) => (float y) { y = If (go) <
                then_branch = t () => (float a) { a = Conv(x, k) },
                else_branch = e () => (float b) { b = Identity(x) }> }""",
            {"x": (2, 3)},
        ),
    ],
)
def test_dimensions_that_windows_slide_over(
    text: str, expected: dict[str, tuple[int, ...]], slides: Callable[..., dict[str, tuple[int, ...]]]
) -> None:
    constants = {"k": KERNEL, "line": LINE, "m": np.ones((3, 3), np.float32), "deep": np.ones((2, 3, 3), np.float32)}
    shapes = {"one": np.array([1]), "last": np.array([3]), "split": np.array([0, 1, -1])}
    assert slides(text, **constants, **shapes) == expected
