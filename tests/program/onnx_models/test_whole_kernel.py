"""Kernels as ONNX models that stand alone: valid, with all constants, and computing what the machine does."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, checker

from cimc.program.errors import ProgramError
from cimc.program.onnx_models import whole_kernel as module
from cimc.program.onnx_models.whole_kernel import kernel_model, whole_kernel
from cimc.program.program import Program

check: Callable[..., None] = getattr(checker, "check_model")


def test_large_constants_are_in_it(handmade: Program) -> None:
    for number in range(len(handmade.kernels)):
        elsewhere = [t.data_location == TensorProto.EXTERNAL for t in kernel_model(handmade, number).graph.initializer]
        assert any(elsewhere)
        model = whole_kernel(handmade, number)
        check(model, full_check=True)
        assert not any(t.data_location == TensorProto.EXTERNAL for t in model.graph.initializer)


def test_it_runs(handmade: Program) -> None:
    x = np.array([[0.5, -1.0, 2.0, 0.0]], np.float32)
    session = onnxruntime.InferenceSession(whole_kernel(handmade, 0).SerializeToString())
    (quantised,) = session.run(None, {"v0": x})
    assert isinstance(quantised, np.ndarray)
    assert (quantised.dtype, quantised.shape) == (np.uint8, (1, 4))


def test_kernels_that_are_not_there(handmade: Program) -> None:
    with pytest.raises(ProgramError, match=r"^kernel 2 does not exist: the program has kernels 0 to 1$"):
        whole_kernel(handmade, 2)
    with pytest.raises(ProgramError, match=r"^kernel 0 does not exist: the program has no kernels$"):
        kernel_model(replace(handmade, kernels=[]), 0)


def test_more_than_a_file_holds(handmade: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 10)
    with pytest.raises(ProgramError, match=r"^kernel 0 has 0.0 GB with its constants, and an ONNX file at most 0.0: "):
        whole_kernel(handmade, 0)
