"""The Python of README and docs passes ruff and pyright as it is pasted, into the file that the page names above it.

That of docs/python.md runs, too.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

import cimc

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?:^`([\w/]+\.py)`:\n\n)?^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def files() -> dict[str, str]:
    """Name and content of each file that a reader of our pages makes; those without a name are named after the page."""
    made: dict[str, str] = {}
    for page in PAGES:
        for number, (name, block) in enumerate(BLOCK.findall(page.read_text("utf-8"))):
            made[name or f"{page.stem.lower().replace('-', '_')}_{number}.py"] = block
    return made


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of ours with all of them in it, whose checks look at nothing else."""
    folder = tmp_path_factory.mktemp("checkout")
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    tools: dict[str, Any] = tomllib.loads(settings)["tool"]
    for name in tools["importlinter"]["root_packages"]:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "typings").symlink_to(ROOT / "typings")
    (folder / "pyproject.toml").write_text(settings)
    made = files()
    (folder / "pyrightconfig.json").write_text(json.dumps(tools["pyright"] | {"include": list(made)}))
    for name, content in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        assert not (folder / name).exists(), f"{name} is there already"
        (folder / name).write_text(content)
    return folder


def test_files_are_found() -> None:
    """Or the tests below would test nothing."""
    made = files()
    assert {"passes/cancel_transposes.py", "tests/passes/test_cancel_transposes.py", "readme_0.py"} <= made.keys()
    assert len(made) >= 7


@pytest.mark.parametrize("command", [("ruff", "check"), ("ruff", "format", "--check", "--diff")], ids=" ".join)
def test_ruff(checkout: Path, command: tuple[str, ...]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", *command, "--no-cache", *files()], cwd=checkout, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_pyright(checkout: Path) -> None:
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    run = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_unit_test_of_the_pass(checkout: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/passes/test_cancel_transposes.py"]
    run = subprocess.run(command, cwd=checkout, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": "."})
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that docs/python.md speaks of."""
    folder = tmp_path_factory.mktemp("workplace")
    w = np.random.default_rng(0).standard_normal((8, 6)).astype(np.float32)
    graph = '<ir_version: 8, opset_import: ["" : 17]> g (float[n,8] x) => (float[n,6] y) { y = MatMul(x, w) }'
    model = onnx.parser.parse_model(graph)
    model.graph.initializer.append(onnx.numpy_helper.from_array(w, "w"))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "monarch_lm.onnx").symlink_to(ROOT / "examples" / "monarch_lm" / "monarch_lm.onnx")
    (folder / "grid.toml").write_text('chip = ["tiny-4"]\nmapping = ["linear", "spread"]\n')
    cimc.compile(folder / "model.onnx").save(folder / "prog.cim")
    return folder


INTERFACE: list[str] = [block for _, block in BLOCK.findall((ROOT / "docs" / "python.md").read_text("utf-8"))]


@pytest.mark.parametrize("block", INTERFACE, ids=range(len(INTERFACE)))
def test_the_page_of_the_interface_runs(workplace: Path, block: str) -> None:
    """And prints what it says: `print(x)  # cosine 0.999..., largest`, where dots stand for anything."""
    (workplace / "example.py").write_text(block)
    run = subprocess.run(
        [sys.executable, "-W", "error", "example.py"], cwd=workplace, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    for said in re.findall(r"^ *print\(.*\)  # (.*)$", block, re.MULTILINE):
        assert re.search(re.escape(said).replace(r"\.\.\.", ".*"), run.stdout), f"{said!r} is not in {run.stdout!r}"


def test_the_page_of_the_interface_has_every_name() -> None:
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    for name in cimc.__all__:
        assert f"cimc.{name}" in page, f"{name} is not described"
    members = {name for name in vars(cimc.Program) if not name.startswith("_")}
    for member in members - {"verify", "model", "file"}:
        assert re.search(rf"`(Program\.)?{member}\b", page), f"Program.{member} is not described"
