"""Networks in ONNX Runtime are read as programs are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import cimc
from cimc.language.onnx_context import onnx_context
from cimc.language.ports import ports_of
from cimc.program.errors import ProgramError


def test_pieces_and_the_whole(language_model: Callable[..., Path]) -> None:
    file, text = language_model(), np.array([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]])
    context = onnx_context(onnxruntime.InferenceSession(file), 2)
    ports = ports_of(cimc.compile(file, chip="tiny-4"))
    assert [port.shape for port in context.ports.cache] == [port.shape for port in ports.cache]
    assert context.ports.ids.dtype == "int64"
    whole = context.feed(text)
    context.reset()
    pieces = [context.feed(text[:, i : i + 2]) for i in (0, 2, 4)]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, rtol=0, atol=1e-4)


def test_no_language_model(onnx_file: Callable[..., Path]) -> None:
    file = onnx_file("g (float[n,4] x, double z) => (float[n,4] y) { y = Abs(x) }")
    with pytest.raises(ProgramError, match=r"found inputs x float32 \[n, 4\], z float64 \[\]; outputs y float32"):
        onnx_context(onnxruntime.InferenceSession(file))
