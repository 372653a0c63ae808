"""Reads chip files: those that come with cimc, by name, and users' own, by path."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from xdsl.utils.hints import isa

from cimc.hardware.toml_text import parse_toml, read_bytes
from cimc.options.compilation import File
from dialects.chip.keys import KEYS, Value, spelled
from dialects.errors import UserError
from dialects.hardware import ChipAttr


@dataclass(frozen=True)
class ChipFile:
    """What stands in a chip file."""

    chip: ChipAttr
    description: str
    sources: Mapping[str, str]
    """Where a key's value comes from: a paper, a data sheet, a formula, or the word that it is a choice."""


def chip_names() -> list[str]:
    """The chips that come with cimc, sorted."""
    return sorted(path.name.removesuffix(".toml") for path in _folder().iterdir() if path.name.endswith(".toml"))


def load_chip(name_or_path: File, changes: Mapping[str, Value] | None = None) -> ChipAttr:
    """The chip of that name, or of that TOML file; `changes` are values of keys instead of the file's own.

    UserError for an unknown name, a file that cannot be read, a malformed one, and keys or values that are not legal.
    """
    chip = read_chip_file(name_or_path).chip
    return ChipAttr.from_dict({**chip.to_dict(), **changes}) if changes else chip


def read_chip_file(name_or_path: File) -> ChipFile:
    """As `load_chip`, with the description and the sources."""
    if name_or_path in chip_names():
        file = _folder() / f"{name_or_path}.toml"
        return parse_chip_file(file.read_bytes(), name=str(name_or_path), file=f"{name_or_path}.toml")
    path = Path(name_or_path)
    if path.suffix != ".toml" and not os.path.exists(path):
        raise UserError(
            f"unknown chip {str(name_or_path)!r}: expected one of {', '.join(chip_names())} or the path of a TOML file"
        )
    return parse_chip_file(read_bytes(path, "chip file"), name=path.stem, file=str(path))


def parse_chip_file(content: bytes, name: str, file: str) -> ChipFile:
    """The chip in the bytes of a TOML file; `name` holds unless the file gives one, `file` is for messages."""
    values = parse_toml(content, f"chip file {file}")
    description = values.pop("description", "")
    sources = values.pop("sources", {})
    if not isinstance(description, str):
        raise UserError(f"chip file {file}: description = {spelled(description)}: expected a text")
    if not isa(sources, dict[str, str]):
        raise UserError(f"chip file {file}: sources = {spelled(sources)}: expected a table with a text for each key")
    for key in sources:
        if key not in {known.name for known in KEYS}:
            raise UserError(f"chip file {file}: source of {key!r}: expected a key of the chip")
    try:
        return ChipFile(ChipAttr.from_dict({"name": name, **values}), description, sources)
    except UserError as error:
        raise UserError(f"chip file {file}: {error}") from error


def _folder() -> Traversable:
    return resources.files("cimc.hardware") / "chips"
