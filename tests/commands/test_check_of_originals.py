"""`cim-run --check` against a file that was not written by cimc: in exact form, unless it is to be run untouched."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.commands import compile_model, run_program

Write = Callable[..., Path]
Run = Callable[..., tuple[int, list[str]]]
W = np.arange(-6, 6, dtype=np.int8).reshape(4, 3)
"""Small numbers: no processor saturates."""


@pytest.fixture
def run(onnx_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Compiles an integer network in the working directory and runs it with more options: exit code, last lines."""
    monkeypatch.chdir(tmp_path)
    file = onnx_file("g (uint8[n,4] x) => (int32[n,3] y) { y = MatMulInteger(x, w) }", {"w": W}).relative_to(tmp_path)
    np.savez("x.npz", x=np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.uint8))
    assert compile_model.main([str(file), "--chip", "tiny-4", "-o", "p.cim"]) == 0
    assert "identical to the original, bit for bit (1 product of uint8 by int8 made" in capsys.readouterr().out

    def run(*arguments: str) -> tuple[int, list[str]]:
        code = run_program.main(["p.cim", "--inputs", "x.npz", "--check", str(file), *arguments])
        return code, capsys.readouterr().out.splitlines()[2:]

    return run


def test_the_exact_form_is_said(run: Run) -> None:
    assert run() == (
        0,
        [
            "checked against the exact form of network.onnx: 1 product of uint8 by int8 made uint8 by uint8",
            "check: identical, 6 values in 1 outputs",
        ],
    )


def test_nothing_to_compare(run: Run) -> None:
    """No vectors have no difference to anything, and that is no success."""
    np.savez("x.npz", x=np.zeros((0, 4), np.uint8))
    code, lines = run()
    assert (code, lines[-1]) == (2, "check: there is nothing to compare: all 1 outputs are empty")


@pytest.mark.parametrize(("rows", "code"), [(2, 0), (1, 2)])
def test_inputs_that_are_nan(
    rows: int, code: int, onnx_file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """N14: a program takes them, as ONNX Runtime does; where all that is compared is NaN, nothing is said by it."""
    file = onnx_file("g (float[n,4] x) => (float[n,3] y) { y = MatMul(x, w) }", {"w": W.astype(np.float32)})
    x = np.ones((2, 4), np.float32)
    x[0, 1] = np.nan
    program, reference, inputs = (str(tmp_path / name) for name in ("p.cim", "ref.onnx", "x.npz"))
    np.savez(inputs, x=x[:rows])
    assert compile_model.main([str(file), "--chip", "tiny-4", "-o", program, "--reference", reference]) == 0
    assert run_program.main([program, "--inputs", inputs, "--check", reference]) == code
    last = capsys.readouterr().out.splitlines()[-1]
    same, none = "identical, 6 values (3 of them NaN) in 1 outputs", "there is nothing to compare: all 3 values are NaN"
    assert last == f"check: {none if code else same}"


def test_untouched(run: Run) -> None:
    assert run("--as-is") == (0, ["check: identical, 6 values in 1 outputs"])


def test_nothing_to_leave_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run_program.main(["p.cim", "--as-is"])
    assert stop.value.code == 2
    assert "argument --as-is: there is nothing to check, expected --check REF.onnx" in capsys.readouterr().err
