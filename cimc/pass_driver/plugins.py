"""Passes of other packages, which name them as entry points of the group `cimc.passes`; loaded when they are asked for.

In a package's `pyproject.toml`: `[project.entry-points."cimc.passes"]` and `my-pass = "my_package.my_pass:MyPass"`.
"""

import contextlib
import traceback
from collections.abc import Generator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from dialects.errors import UserError

if TYPE_CHECKING:  # a command's help names passes, and does not wait for xDSL
    from xdsl.passes import ModulePass

GROUP = "cimc.passes"
_packages: dict[type, str] = {}
"""The packages of the passes that were loaded."""


@dataclass(frozen=True)
class Plugin:
    """A pass of another package."""

    entry: EntryPoint

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def package(self) -> str:
        """The package that it comes with, as it was installed."""
        return self.entry.dist.name if self.entry.dist is not None else self.entry.value.partition(".")[0]

    def load(self) -> "type[ModulePass]":
        """Its class; UserError, one line, if that is none or cannot be imported."""
        from xdsl.passes import ModulePass

        subject = f"pass {self.name} of the package {self.package}"
        try:
            loaded: object = self.entry.load()
        except Exception as error:  # whatever a stranger's module raises
            reason = f"{type(error).__name__}: {error}"
            raise UserError(f"{subject} cannot be loaded from {self.entry.value}: {reason}") from error
        if not isinstance(loaded, type) or not issubclass(loaded, ModulePass):
            raise UserError(
                f"{subject}: {self.entry.value} is no pass: expected a class made of xdsl.passes.ModulePass"
            )
        if getattr(loaded, "name", None) != self.name:
            given = getattr(loaded, "name", None)
            raise UserError(f"{subject}: its class is named {given!r}: expected the name of its entry point")
        _packages[loaded] = self.package
        return loaded


def plugins() -> list[Plugin]:
    """The passes of other packages that are installed, by name."""
    return sorted((Plugin(entry) for entry in entry_points(group=GROUP)), key=lambda plugin: plugin.name)


@contextlib.contextmanager
def blamed(pass_: "ModulePass") -> Generator[None]:
    """What goes wrong with another package's pass is no bug of ours: a UserError that names package, file and line."""
    package = _packages.get(type(pass_))
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # whatever a stranger's pass raises
        if package is None:
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        fault = str(error) if isinstance(error, AssertionError) and str(error) else f"{type(error).__name__}: {error}"
        raise UserError(
            f"pass {pass_.name} of the package {package} failed: {fault} ({last.filename}, line {last.lineno})"
        ) from error
