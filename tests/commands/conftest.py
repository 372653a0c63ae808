"""What tests of commands need: a small network and its program, and the one line that a mistake is answered with."""

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from cimc.commands import (
    compile_model,
    dump_program,
    evaluate,
    export_model,
    optimize,
    report_program,
    run_program,
    sweep,
)

Write = Callable[..., Path]
Command = Callable[[Sequence[str]], int]
MATMUL = "g (float[n,4] x) => (float[n,6] y) { [product] y = MatMul(x, w) }"
W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)

COMMANDS: dict[str, Command] = {
    "cimc": compile_model.main,
    "cim-export": export_model.main,
    "cim-opt": optimize.main,
    "cim-run": run_program.main,
    "cim-objdump": dump_program.main,
    "cim-report": report_program.main,
    "cim-sweep": sweep.main,
    "cim-eval": evaluate.main,
}


@pytest.fixture
def network(onnx_file: Write) -> Path:
    return onnx_file(MATMUL, {"w": W})


@pytest.fixture
def program(network: Path, tmp_path: Path) -> Path:
    with contextlib.redirect_stdout(io.StringIO()):
        assert compile_model.main([str(network), "--chip", "tiny-4", "-o", str(tmp_path / "p.cim")]) == 0
    return tmp_path / "p.cim"


@pytest.fixture
def fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line that a command prints before it exits with 1, or `code`, without leaving or touching a file."""

    def run(command: str, *arguments: str | Path, code: int = 1) -> str:
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
        assert COMMANDS[command]([str(argument) for argument in arguments]) == code
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("cimc: error: ")
        return lines[0].removeprefix("cimc: error: ")

    return run


@pytest.fixture
def commands() -> Mapping[str, Command]:
    """The main functions of all commands by name."""
    return COMMANDS
