"""How the process that exports is started, heard and answered for; what it makes is tested in test_worker.py."""

import subprocess
import sys
from pathlib import Path

import pytest

from cimc.export import export as exporting
from cimc.export.export import data_of, export
from cimc.extras import MODULES
from dialects.errors import UserError

ANSWERS = """
import json, pathlib, sys
order = json.loads(sys.stdin.readline())
file = pathlib.Path(order["file"])
def say(**answer): print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What looks like a checkpoint."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "model.safetensors").write_text("")
    return folder


def let_it(monkeypatch: pytest.MonkeyPatch, work: str) -> None:
    monkeypatch.setattr(exporting, "_CHILD", ANSWERS + work)


def test_steps_and_files(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both files appear together, the old ones are gone, and the steps are told."""
    let_it(
        monkeypatch,
        "say(step='one'); say(step='two'); file.write_text('net'); (file.parent / f'{file.name}.data').write_text('w')",
    )
    output, steps = tmp_path / "new.onnx", list[str]()
    output.write_text("old")
    data_of(output).write_text("old")
    export(folder, output, progress=steps.append)
    assert steps == ["one", "two"]
    assert (output.read_text(), data_of(output).read_text()) == ("net", "w")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint", "new.onnx", "new.onnx.data"]


@pytest.mark.parametrize(
    ("work", "message"),
    [
        ("say(error='ValueError: no\\nway'); sys.exit(1)", "cannot be exported: ValueError: no way"),
        (
            "import os; os.kill(os.getpid(), 9)",
            "cannot be exported: the process ended by signal 9: is there enough memory?",
        ),
        ("sys.exit(3)", "cannot be exported: the process ended with 3: is there enough memory?"),
    ],
)
def test_failures(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str, message: str) -> None:
    """One line, and nothing is left."""
    let_it(monkeypatch, f"file.write_text('half'); {work}")
    with pytest.raises(UserError) as error:
        export(folder, tmp_path / "new.onnx")
    assert str(error.value) == f"{folder}: {message}"
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]


def test_interrupted(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the process as well."""
    let_it(monkeypatch, "say(step='one'); import time; time.sleep(600)")

    def interrupt(step: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(folder, tmp_path / "new.onnx", progress=interrupt)
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]


def test_not_installed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError) as error:
        export(folder, tmp_path / "new.onnx")
    assert str(error.value) == (
        f"{folder}: exporting it to ONNX needs the library onnxscript, which is not installed: "
        "it comes with cimc's extra llm, as in pip install 'cimc[llm]', or pip install '.[llm]' in a clone"
    )


def test_torch_stays_outside() -> None:
    """What starts the process loads none of what it loads."""
    code = "import sys, cimc.api, cimc.export.sources; print({*sys.argv[1:]} & {*sys.modules})"
    command = [sys.executable, "-c", code, *MODULES["llm"]]
    root = str(Path(__file__).parents[2])
    child = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert child.stdout == "set()\n"
