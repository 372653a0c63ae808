"""What the shell proposes when TAB is pressed, by argcomplete, if that is installed (docs/commands.md)."""

import argparse
import os
from typing import Any

ASKED = "_ARGCOMPLETE"
"""The shell sets it when it asks for proposals, and runs the command for them."""
ENDINGS = {"program": "cim", "programs": "cim", "model": "onnx", "input_file": "mlir"}
"""Of the files that positional arguments name; for options, their placeholder tells."""


def propose(parser: argparse.ArgumentParser) -> None:
    """If the shell asks for proposals, answer and end the process: the command itself must not run for a TAB."""
    if ASKED not in os.environ:
        return
    try:
        import argcomplete
    except ModuleNotFoundError:  # it is the shell's, and not installed with us
        os._exit(1)
    argcomplete.autocomplete(parser, default_completer=_values)


def _values(prefix: str, action: argparse.Action, **_: Any) -> list[str]:
    """What an option without choices may be: chips and passes by name, files by their ending."""
    from argcomplete.completers import FilesCompleter

    if action.dest == "passes":
        return _passes(prefix)
    files = list(FilesCompleter((_ending(action),) if _ending(action) else ())(prefix))
    names = _names[action.dest]() if action.dest in _names else []
    return files + [name for name in names if name.startswith(prefix)]


def _ending(action: argparse.Action) -> str:
    if action.dest in _names:
        return "toml"
    placeholder = action.metavar if isinstance(action.metavar, str) else ""
    return ENDINGS.get(action.dest, placeholder.rpartition(".")[2].lower() if "." in placeholder else "")


def _chips() -> list[str]:
    from cimc.hardware.library import chip_names

    return chip_names()


def _digital_sets() -> list[str]:
    from cimc.hardware.digital_sets import digital_set_names

    return digital_set_names()


_names = {"chip": _chips, "digital": _digital_sets}
"""What may be said instead of a file, by option."""


def _passes(prefix: str) -> list[str]:
    """The last pass of a list, the others as they are."""
    from cimc.universe import PASSES

    before, comma, last = prefix.rpartition(",")
    return [f"{before}{comma}{own.name}" for own in PASSES if own.name.startswith(last)]
