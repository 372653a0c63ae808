"""Which versions are installed, as `--version` of every command tells."""

import argparse
from collections.abc import Sequence
from functools import cache
from typing import Any


@cache
def installed_version(distribution: str = "cimc") -> str:
    """The version of a distribution, as installed."""
    from importlib.metadata import PackageNotFoundError, version  # takes time, and few ask

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


class ShowVersion(argparse.Action):
    """Prints the name of the command, the version of cimc, and those of what programs depend on."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        needed = ", ".join(f"{name} {installed_version(name)}" for name in ("xdsl", "onnx", "onnxruntime", "numpy"))
        print(f"{parser.prog} {installed_version()}, with {needed}")
        parser.exit()
