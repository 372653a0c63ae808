"""What stands for a network that is compiled: an ONNX file, or what is exported to one first."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

from cimc.export.export import export
from cimc.files.whole_file import hidden_folder
from dialects.errors import UserError

PROGRAM = ".pt2"
"""How the names of programs of `torch.export` end."""


def is_exported(source: Path) -> bool:
    """Whether a network has to be exported before it can be compiled."""
    return source.is_dir() or source.suffix == PROGRAM


@contextlib.contextmanager
def exported(source: Path, output: Path | None, progress: Callable[[str], None]) -> Generator[Path]:
    """The ONNX file of a network: `source` itself, or one that is there until the context is left.

    That one lies beside `output`, where there has to be room for its weights. It has the name that `cim-export` would
    give it, and messages about it name `source`.
    """
    if not is_exported(source):
        yield source
        return
    place = default_output(source)
    beside = output if output is not None and output.parent.is_dir() else Path(tempfile.gettempdir(), place.name)
    with hidden_folder(beside) as folder:
        file = folder / place.name
        export(source, file, progress=lambda step: progress(f"export: {step}"))
        try:
            yield file
        except UserError as error:
            raise UserError(str(error).replace(os.fspath(file), os.fspath(source))) from error


def default_output(source: Path) -> Path:
    """Where the network of a folder or a program goes if nothing else is said: `folder.onnx` in the current folder."""
    name = source.resolve().name if source.is_dir() else source.stem
    if not name:
        raise UserError(f"{source}: not the name of a folder or a file")
    return Path(f"{name}.onnx")
