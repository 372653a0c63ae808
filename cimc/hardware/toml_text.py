"""Reads TOML files, those of chips and grids: whatever is wrong with one is one line that names it."""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from xdsl.utils.hints import isa

from cimc.files.reasons import reason
from dialects.chip.keys import spelled
from dialects.errors import UserError

MOST_BYTES = 1 << 20
"""Of a file; those that come with cimc have a few thousand."""


def read_bytes(file: Path, role: str) -> bytes:
    """The contents of a file, not more than is needed to see that it is too large; UserError if it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # the latter for a name that no file can have
        raise UserError(f"{role} {file} cannot be read: {reason(error)}") from error


def parse_toml(content: bytes, subject: str) -> dict[str, Any]:
    """The values in the bytes of a TOML file; UserError if it is none. `subject` is the file in messages."""
    if len(content) > MOST_BYTES:
        raise UserError(f"{subject} is too large: expected at most {MOST_BYTES} bytes")
    try:
        return tomllib.loads(content.decode())
    except RecursionError as error:
        raise UserError(f"{subject} is not TOML: it is nested too deeply") from error
    except ValueError as error:  # no UTF-8, no TOML, or an integer of thousands of digits
        raise UserError(f"{subject} is not TOML: {error}") from error


def described(
    values: Mapping[str, Any], subject: str, known: Collection[str]
) -> tuple[dict[str, Any], str, dict[str, str]]:
    """The values of a file, apart from its `description` and the `sources` of its values, whose keys are `known`."""
    own = dict(values)
    description, sources = own.pop("description", ""), own.pop("sources", {})
    if not isinstance(description, str):
        raise UserError(f"{subject}: description = {spelled(description)}: expected a text")
    if not isa(sources, dict[str, str]):
        raise UserError(f"{subject}: sources = {spelled(sources)}: expected a table with a text for each key")
    for key in sources:
        if key not in known:
            raise UserError(f"{subject}: source of {key!r}: expected a key of the chip")
    return own, description, sources
