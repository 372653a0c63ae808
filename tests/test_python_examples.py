"""The Python of README and docs passes ruff and pyright as it is pasted, into the file that the page names above it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

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
