"""The lit test format: it must tell passing from failing tests, in the worker process as in a shell."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def lit(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run lit, configured as ours, on one test with this text; it may read Inputs/empty.mlir."""
    (folder / "lit.cfg.py").write_text(
        f"lit_config.load_config(config, {str(ROOT / 'lit' / 'lit.cfg.py')!r})\n"
        f"config.test_source_root = {str(folder)!r}\n"
        f"config.test_exec_root = {str(folder / 'output')!r}\n"
    )
    (folder / "example.test").write_text(text)
    (folder / "Inputs").mkdir(exist_ok=True)
    (folder / "Inputs" / "empty.mlir").write_text("builtin.module {\n}\n")
    command = [str(Path(sys.executable).parent / "lit"), "-v", *arguments, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


passing = {
    "check": "RUN: cim-opt %S/Inputs/empty.mlir | filecheck %s\nCHECK: builtin.module\n",
    "standard input": "RUN: cim-opt < %S/Inputs/empty.mlir | filecheck %s\nCHECK: builtin.module\n",
    "output file": "RUN: cim-opt %S/Inputs/empty.mlir > %t\nRUN: filecheck %s < %t\nCHECK: builtin.module\n",
    "expected failure": "RUN: not cim-opt %S/none.mlir 2>&1 | filecheck %s\nCHECK: none.mlir\n",
    "command of the shell": "RUN: cat %S/Inputs/empty.mlir | cim-opt | filecheck %s\nCHECK: builtin.module\n",
    "folder of the shell": "RUN: cd %S/Inputs && cim-opt empty.mlir | filecheck %s\nCHECK: builtin.module\n",
}
failing = {
    "check": "RUN: cim-opt %S/Inputs/empty.mlir | filecheck %s\nCHECK: nonsense\n",
    "no check": "RUN: cim-opt %S/Inputs/empty.mlir | filecheck %s\n",
    "exit code": "RUN: cim-opt %S/none.mlir\n",
    "exit code before a pipe": "RUN: cim-opt %S/none.mlir 2>&1 | filecheck %s\nCHECK: none.mlir\n",
    "unexpected success": "RUN: not cim-opt %S/Inputs/empty.mlir\n",
    "first line": "RUN: cim-opt %S/none.mlir\nRUN: cim-opt %S/Inputs/empty.mlir\n",
    "last line": "RUN: cim-opt %S/Inputs/empty.mlir\nRUN: cim-opt %S/none.mlir\n",
    "command of the shell": "RUN: false\n",
    "no lines": "nothing to run\n",
}


@pytest.mark.parametrize("text", passing.values(), ids=passing.keys())
def test_passing(tmp_path: Path, text: str):
    result = lit(tmp_path, text)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("text", failing.values(), ids=failing.keys())
def test_failing(tmp_path: Path, text: str):
    result = lit(tmp_path, text)
    assert result.returncode == 1, result.stdout


def test_a_failing_check_is_shown_with_its_command(tmp_path: Path):
    output = lit(tmp_path, failing["check"]).stdout
    assert f"$ cim-opt {tmp_path}/Inputs/empty.mlir | filecheck {tmp_path}/example.test" in output
    assert 'Couldn\'t match "nonsense"' in output


def test_not_does_not_excuse_a_crash(tmp_path: Path):
    result = lit(tmp_path, "RUN: not filecheck --dump-input=nonsense %s\n")
    assert result.returncode == 1, result.stdout
    assert "Traceback" in result.stdout


def test_the_shell_runs_the_same_commands(tmp_path: Path):
    assert lit(tmp_path, passing["check"], "--param", "shell=1").returncode == 0
    assert lit(tmp_path, failing["check"], "--param", "shell=1").returncode == 1
