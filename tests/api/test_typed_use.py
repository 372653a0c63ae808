"""What a type checker knows of the interface, in strict mode: its types, its literals, and which uses are wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RIGHT = """
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import onnx
from numpy.typing import NDArray

import cimc


def samples() -> list[dict[str, NDArray[np.float32]]]:
    return [{"x": np.ones((1, 4), np.float32)}]


program = assert_type(cimc.compile("m.onnx", mapping="linear", calibrate=samples()), cimc.Program)
cimc.compile(Path("m.onnx"), objective="latency", monarch="8,rank=2", dims={"n": 2}, calibrate=Path("x.npz"))
cimc.compile(b"", activations="static", calibrate=np.ones((2, 4), np.float32))
cimc.compile(onnx.ModelProto(), calibrate=({"x": np.ones(4)} for _ in range(3)))
outputs = assert_type(program.run({"x": np.ones((1, 4))}, engine="reference"), dict[str, NDArray[Any]])
program.run(outputs)
check = assert_type(program.check("r.onnx", outputs), cimc.Comparison)
assert_type(check.identical, bool)
assert_type(program.accuracy(outputs, onnx.ModelProto()), cimc.Distance)
assert_type(cimc.Program.load("p.cim"), cimc.Program)
report = assert_type(program.report(cimc.Conditions(context=8)), cimc.Report)
assert_type(report.rows(), list[dict[str, str | int | float | None]])
print(program.listing("header").upper(), program.ir["quantize"].upper(), cimc.__version__.upper())
session = assert_type(cimc.Session(program, machine=program.machine()), cimc.Session)
tokens = cimc.load_tokens("bytes")
assert_type(list(session.generate(tokens.encode("text"))), list[int])
assert_type(cimc.evaluate(program, "text", tokens, original=b""), cimc.Evaluation)
rows = cimc.run_sweep("m.onnx", "g.toml", "m.sweep", progress=lambda progress: print(progress.finished))
print(rows[0]["arrays"])
error: type[cimc.Error] = cimc.UserError
error = cimc.ProgramError
"""

WRONG = {
    'cimc.compile("m.onnx", mapping="square")': "reportArgumentType",
    'cimc.compile("m.onnx", activations="word")': "reportArgumentType",
    'cimc.compile("m.onnx", arays=3)': "reportCallIssue",
    "cimc.compile(3)": "reportArgumentType",
    'cimc.compile("m.onnx").run([1.0])': "reportArgumentType",
    'cimc.compile("m.onnx").run({}, engine="slow")': "reportArgumentType",
    'cimc.compile("m.onnx").listing("all")': "reportArgumentType",
    'cimc.compile("m.onnx").explain()': "reportAttributeAccessIssue",
    "cimc.decompile": "reportAttributeAccessIssue",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """What pyright says of the lines of a file: the right uses, and behind them the wrong ones."""
    folder = tmp_path_factory.mktemp("typed")
    lines = [*RIGHT.splitlines(), *(f"print({use})" for use in WRONG)]
    (folder / "use.py").write_text("\n".join(lines))
    settings = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "stubPath": str(ROOT / "typings")}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = json.loads(run.stdout)["generalDiagnostics"]
    return {entry["range"]["start"]["line"]: f"{entry.get('rule')}: {entry['message']}" for entry in found}


def test_right_uses(answers: dict[int, str]) -> None:
    count = len(RIGHT.splitlines())
    assert {line: answer for line, answer in answers.items() if line < count} == {}


@pytest.mark.parametrize("use", WRONG)
def test_wrong_uses(answers: dict[int, str], use: str) -> None:
    line = len(RIGHT.splitlines()) + list(WRONG).index(use)
    assert answers[line].startswith(WRONG[use])
