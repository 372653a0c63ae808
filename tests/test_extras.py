import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cimc.extras import MODULES, need
from dialects.errors import UserError

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def test_what_is_there() -> None:
    for extra in MODULES:
        need(extra, "x")


@pytest.mark.parametrize("extra", ["llm", "report", "sweep", "text"])
def test_what_is_missing(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULES[extra][-1], None)
    with pytest.raises(UserError) as error:
        need(extra, "page.html: drawing it")
    assert str(error.value) == (
        f"page.html: drawing it needs the library {MODULES[extra][-1]}, which is not installed: "
        f"it comes with cimc's extra {extra}, as in pip install 'cimc[{extra}]', or pip install '.[{extra}]' in a clone"
    )


def test_the_extras_of_the_package() -> None:
    """The modules are those of the distributions that pyproject.toml names."""
    optional = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    of_module = packages_distributions()
    for extra, modules in MODULES.items():
        brought = {canonicalize_name(Requirement(text).name) for text in optional[extra]}
        assert {canonicalize_name(name) for module in modules for name in of_module[module]} == brought
