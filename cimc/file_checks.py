"""Checks of the names of files to read and write, before the long work that would be lost, or would lose a file."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from cimc.files.reasons import reason
from cimc.files.whole_file import hindrance, is_stdout, name_of
from dialects.errors import UserError

Identity: TypeAlias = Path | tuple[int, int]


def check_writable(*paths: Path | None) -> None:
    """UserError for a file that cannot be written."""
    for path in paths:
        wrong = "" if path is None else hindrance(path)
        if path is not None and wrong:
            raise UserError(f"{name_of(path)}: cannot be written: {wrong}")


def check_readable(*paths: Path | None) -> None:
    """UserError for a file that cannot be read."""
    for path in paths:
        if path is None:
            continue
        try:
            path.open("rb").close()
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {reason(error)}") from error


def check_names(
    inputs: Iterable[Path | None], outputs: Iterable[Path | None], networks: Iterable[Path | None] = ()
) -> None:
    """UserError if a file to be written is one of those that are read, whatever its name, or is named twice.

    `networks` are ONNX files, which are read with the files of their external data. What is neither file nor folder,
    such as /dev/null, can be written as often as one likes.
    """
    written: dict[Identity, Path] = {}
    outputs = [path for path in outputs if path is not None]
    if sum(map(is_stdout, outputs)) > 1:
        raise UserError("standard output: cannot be written: more than one output goes there")
    for path in outputs:
        if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
            continue
        if written.setdefault(_identity(path), path) is not path:
            raise UserError(f"{name_of(path)}: cannot be written: another output has the same name")
    models = [path for path in networks if path is not None]
    for path in (*inputs, *models):
        _check_input(path, written, "it is also an input")
    if any(os.path.isfile(path) for path in written.values()):  # reading a network for the names in it takes time
        from cimc.onnx_import.data_files import data_files  # and so does importing onnx

        for model in models:
            for path in data_files(model):
                _check_input(path, written, f"it holds weights of {model}")


def _check_input(path: Path | None, written: dict[Identity, Path], why: str) -> None:
    if path is not None and _identity(path) in written:
        output = name_of(written[_identity(path)])
        raise UserError(f"{output}: cannot be written: {why}, expected another name")


def _identity(path: Path) -> Identity:
    """What two names of one file have in common: links of both kinds, and letters' case where that does not count."""
    try:
        status = os.stat(path)
    except OSError:
        return path.resolve()
    return status.st_dev, status.st_ino
