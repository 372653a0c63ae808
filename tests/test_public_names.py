"""What `import cimc` gives: its names, its help, its version; and that examples and pages use nothing else."""

import ast
import importlib.metadata
import pydoc
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cimc

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OURS = ("cimc", "dialects", "passes")


def test_names() -> None:
    for name in cimc.__all__:
        assert getattr(cimc, name).__doc__, f"{name} is not described"
    assert cimc.__all__ == sorted(cimc.__all__)
    assert set(cimc.__all__) < set(dir(cimc))
    assert not {name for name in dir(cimc) if not name.startswith("__")} - set(cimc.__all__)
    with pytest.raises(AttributeError, match="module 'cimc' has no attribute 'decompile'"):
        getattr(cimc, "decompile")


def test_version() -> None:
    assert cimc.__version__ == importlib.metadata.version("cimc")


def test_one_base_of_all_errors() -> None:
    assert issubclass(cimc.UserError, cimc.Error)
    assert issubclass(cimc.ProgramError, cimc.Error)
    assert issubclass(cimc.Difference, cimc.Error)
    with pytest.raises(cimc.Error, match="cannot be read"):
        cimc.Program.load("none.cim")
    with pytest.raises(cimc.Error, match="cannot be read"):
        cimc.compile("none.onnx")


def test_help() -> None:
    text = pydoc.plain(pydoc.render_doc(cimc))
    head = text.partition("PACKAGE CONTENTS")[0]
    for name in cimc.__all__:
        assert re.search(rf"\b{name}\b", head), f"the doc string of cimc does not name {name}"
        assert re.search(rf"^    (class )?{name}\(", text, re.MULTILINE), f"{name} is not explained"


def loaded_by(code: str) -> set[str]:
    run = f"import sys, cimc\n{code}\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True).stdout.split())


def test_nobody_waits_for_what_he_does_not_need() -> None:
    assert not {"numpy", "onnx", "xdsl"} & loaded_by("dir(cimc)")
    assert not {"xdsl", "altair", "cimc.compiler", "cimc.report"} & loaded_by("cimc.Program, cimc.Session, cimc.Error")


def imports_of(code: str) -> set[str]:
    """The names of ours that a text imports, with the modules that they are from."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name.partition(".")[0] in OURS}


def texts() -> dict[str, str]:
    """The examples of ours, but for passes and other parts of the compiler that a page has its reader write."""
    files = {str(file.relative_to(ROOT)): file.read_text("utf-8") for file in (ROOT / "examples").rglob("*.py")}
    own_parts = {*(ROOT / "docs").glob("add-a*.md")}
    pages = {*(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md"), ROOT / "README.md"}
    for page in sorted(pages - own_parts):
        for number, block in enumerate(BLOCK.findall(page.read_text("utf-8"))):
            files[f"{page.relative_to(ROOT)}, block {number}"] = block
    return files


def test_examples_use_public_names_only() -> None:
    public = {"cimc", *(f"cimc.{name}" for name in cimc.__all__)}
    assert {"README.md, block 0", "examples/demo.py"} <= texts().keys()
    for name, code in texts().items():
        assert imports_of(code) <= public, f"{name}: imports more than public names"
        for attribute in re.findall(r"\bcimc\.(\w+)", code):
            assert attribute in (*cimc.__all__, "__version__", "onnx"), f"{name}: cimc.{attribute} is not public"
