"""Exit codes: 0 for success, 1 for bad input, 2 for a wrong command line; of a check those of `diff`."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.commands import run_program


@pytest.fixture
def check(program: Path, network: Path) -> Callable[..., int]:
    """Exit codes of a program that is checked against its original, from which it differs."""

    def run(*arguments: str | Path, reference: Path = network) -> int:
        return run_program.main([str(program), "--check", str(reference), *map(str, arguments)])

    return run


def test_a_difference_is_1(check: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert check() == 1
    printed = capsys.readouterr()
    assert "check: output y differs in " in printed.out
    assert printed.err == ""


def test_an_error_of_a_check_is_2(program: Path, network: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    """Whatever it is about: only a difference is 1."""
    wrong, inputs, none = tmp_path / "wrong.cim", tmp_path / "x.npz", tmp_path / "none.onnx"
    wrong.write_bytes(b"no program")
    np.savez(inputs, z=np.zeros(3))
    for arguments in (
        (program, "--check", none),
        (program, "--check", network, "--inputs", inputs),
        (program, "--check", network, "--outputs", tmp_path / "none" / "y.npz"),
        (wrong, "--check", network),
        (program, "--check", none, "--generate", "a", "--tokenizer", "bytes"),
    ):
        fails("cim-run", *arguments, code=2)


def test_without_a_check_an_error_is_1(program: Path, fails: Callable[..., str], tmp_path: Path) -> None:
    fails("cim-run", program, "--inputs", tmp_path / "none.npz")
    fails("cim-run", tmp_path / "none.cim")


def test_a_wrong_command_line_is_2(check: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        check("--engine", "steam")
    assert stop.value.code == 2
    assert "invalid choice: 'steam'" in capsys.readouterr().err
