"""`cim-run` makes longer inputs up where a program does not run on short ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.commands import compile_model, run_program

ROWS = "g (float[n,m] x) => (float y) { r = Reshape(x, shape)  y = MatMul(r, w) }"
"""16 elements cannot be reshaped to rows of 256; 256 can."""


@pytest.fixture
def program(onnx_file: Callable[..., Path], tmp_path: Path) -> str:
    """A program that needs 256 elements of its input."""
    w = np.random.default_rng(0).standard_normal((256, 4)).astype(np.float32)
    file, made = onnx_file(ROWS, {"shape": np.array([-1, 256]), "w": w}), tmp_path / "rows.cim"
    assert (
        compile_model.main([str(file), "-o", str(made), "--reference", str(tmp_path / "r.onnx"), "--no-measure"]) == 0
    )
    return str(made)


def test_longer_inputs(program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run_program.main([program, "--check", str(tmp_path / "r.onnx")]) == 0
    printed = capsys.readouterr().out
    assert "inputs: made longer, 256 in the last dimension, as the program does not run on less" in printed
    assert "check: identical, 4 values in 1 outputs" in printed


def test_sizes_that_are_asked_for_stay(program: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run_program.main([program, "--dim", "m=16", "--dim", "n=1"]) == 1
    assert "fails in ONNX Runtime" in capsys.readouterr().err
