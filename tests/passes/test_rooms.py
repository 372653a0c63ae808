"""Passes own their work: what others need of it is not in the file of the pass."""

import ast
from pathlib import Path

import pytest
from xdsl.passes import ModulePass

from cimc.universe import PASSES

ROOT = Path(__file__).parents[2]
SOURCES = [file for package in ("cimc", "dialects", "passes") for file in (ROOT / package).rglob("*.py")]


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """What other files import from each module."""
    found: dict[str, set[str]] = {}
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                found.setdefault(node.module, set()).update(name.name for name in node.names)
    return found


@pytest.mark.parametrize("one", PASSES, ids=lambda one: one.name)
def test_the_file_of_a_pass_lends_nothing_but_the_pass(one: type[ModulePass], imported: dict[str, set[str]]) -> None:
    assert imported[one.__module__] == {one.__name__}


@pytest.mark.parametrize("one", PASSES, ids=lambda one: one.name)
def test_a_pass_has_one_name(one: type[ModulePass]) -> None:
    """`place-tiles` is `PlaceTilesPass` in `place_tiles.py`, in a folder of that name if it has more than its file."""
    name = one.name.replace("-", "_")
    assert one.__module__ in (f"passes.{name}", f"passes.{name}.{name}")
    assert one.__name__ == "".join(word.title() for word in one.name.split("-")) + "Pass"
    room = ROOT / "passes" / name
    assert (room / "__init__.py").exists() == one.__module__.endswith(f".{name}.{name}")
    assert len(list(room.glob("*.py"))) != 1
