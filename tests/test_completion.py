"""What the shell proposes: options, choices, chips, passes and files by their ending, and nothing runs for a TAB."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import cimc
from cimc.completion import ASKED, propose

MODULES = {
    "cimc": "compile_model",
    "cim-opt": "optimize",
    "cim-run": "run_program",
    "cim-objdump": "dump_program",
    "cim-report": "report_program",
}


@pytest.fixture
def proposals(tmp_path: Path) -> Callable[[str], list[str]]:
    """What a command line that ends here may go on with, as the shell asks for it."""
    for name in ("net.onnx", "prog.cim", "my.toml", "m.mlir", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()

    def run(line: str) -> list[str]:
        answer = tmp_path / "answer"
        asked = {ASKED: "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
        environment = {**os.environ, **asked, "_ARGCOMPLETE_STDOUT_FILENAME": str(answer)}
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(Path(cimc.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        )
        command = [sys.executable, "-m", f"cimc.commands.{MODULES[line.split()[0]]}"]
        run = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (run.returncode, run.stdout) == (0, ""), run.stderr
        found = answer.read_text().split("\n")
        answer.unlink()
        return sorted(name.strip() for name in found)

    return run


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cimc --map", ["--mapping"]),
        ("cimc net.onnx --mapping s", ["sparsemap", "spread"]),
        ("cimc net.onnx --chip ", ["3dsim-256", "folder/", "isaac-128", "my.toml", "pcm-256", "sram-256", "tiny-4"]),
        ("cimc n", ["net.onnx"]),
        ("cim-run ", ["folder/", "prog.cim"]),
        ("cim-run prog.cim --check ", ["folder/", "net.onnx"]),
        ("cim-opt -p tile-blocks,place", ["tile-blocks,place-tiles"]),
        ("cim-opt m", ["m.mlir"]),
        ("cim-objdump prog.cim --ar", ["--array", "--arrays"]),
        ("cim-report pr", ["prog.cim"]),
    ],
)
def test_proposals(line: str, expected: list[str], proposals: Callable[[str], list[str]]) -> None:
    assert [name for name in proposals(line) if not name.startswith("-") or line.rpartition(" ")[2]] == expected


def test_nothing_runs_without_argcomplete(tmp_path: Path) -> None:
    """The shell's may be another installation's."""
    lines = (
        "import sys; sys.modules['argcomplete'] = None",
        "from cimc.commands.dump_program import main",
        "main(['none.cim'])",
    )
    root = str(Path(cimc.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env={**os.environ, ASKED: "1"},
        cwd=root,
        capture_output=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (1, b"", b"")


def test_commands_run_when_no_shell_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ASKED, raising=False)
    propose(argparse.ArgumentParser())
