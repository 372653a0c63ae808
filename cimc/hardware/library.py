"""Reads chip files: those that come with cimc, by name, and users' own, by path."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from cimc.hardware.digital_sets import DIGITAL_SET, DigitalSet, digital_set_names, read_digital_set
from cimc.hardware.toml_text import described, parse_toml, read_bytes
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


def load_chip(name_or_path: File, changes: Mapping[str, Value] | None = None, digital: File | None = None) -> ChipAttr:
    """The chip of that name, or of that TOML file; `changes` are values of keys instead of the file's own.

    `digital` is the name or the file of a set of digital constants that takes the place of all of the chip's own.
    UserError for an unknown name, a file that cannot be read, a malformed one, and keys or values that are not legal.
    """
    chip = read_chip_file(name_or_path).chip
    if digital is not None:
        chip = read_digital_set(digital).on(chip)
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


@lru_cache(maxsize=1 << 6)
def parse_chip_file(content: bytes, name: str, file: str) -> ChipFile:
    """The chip in the bytes of a TOML file; `name` holds unless the file gives one, `file` is for messages.

    Whoever compiles many networks asks for the same few chips; a file that was changed has other bytes.
    """
    subject = f"chip file {file}"
    values, description, sources = described(parse_toml(content, subject), subject, [key.name for key in KEYS])
    try:
        name_of_set = values.get(DIGITAL_SET)
        if name_of_set is not None:
            digital = _digital_set(name_of_set)
            values, sources = {**digital.values, **values}, {**digital.sources, **sources}
        return ChipFile(ChipAttr.from_dict({"name": name, **values}), description, MappingProxyType(sources))
    except UserError as error:
        raise UserError(f"{subject}: {error}") from error


def _digital_set(name: object) -> DigitalSet:
    """The set that a chip file names: one of cimc's own, so that a chip reads no other file."""
    if name not in digital_set_names():
        raise UserError(f"{DIGITAL_SET} = {spelled(name)}: expected one of {', '.join(digital_set_names())}")
    return read_digital_set(str(name))


def _folder() -> Traversable:
    return resources.files("cimc.hardware") / "chips"
