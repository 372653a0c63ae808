"""Options as a Python program gives them, checked as those of a command line are, and with the same words."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from cimc.options.compilation import UserOptions
from cimc.options.spelling import Spelling, options_of
from dialects.errors import UserError


def checked_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a compilation among some values, numbers as plain ones; UserError for one that is none."""
    options: dict[str, Any] = {}
    for name, spelling in options_of(UserOptions).items():
        default = getattr(UserOptions, name)
        value = given.get(name, default)
        is_default = type(value) is type(default) and value == default
        options[name] = value if is_default else _checked(name, spelling, value)
    return options


def _checked(name: str, spelling: Spelling, value: object) -> object:
    if spelling.pairs:
        return _pairs(name, spelling, value)
    if spelling.choices is not None:
        if value not in spelling.choices:
            raise UserError(f"{name}={value!r} is unknown: expected one of {', '.join(spelling.choices)}")
        return value
    if spelling.metavar is None:
        if not isinstance(value, bool):
            raise UserError(f"{name}={value!r}: expected True or False")
        return value
    if spelling.parse in (str, Path):
        if not isinstance(value, str | os.PathLike):
            raise UserError(f"{name} is of type {type(value).__qualname__}: expected the path of a file")
        return cast(object, value)
    return _parsed(name, spelling, value, str(value))


def _pairs(name: str, spelling: Spelling, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise UserError(f"{name} is of type {type(value).__qualname__}: expected a dictionary of values by name")
    entries = cast(Mapping[object, object], value).items()
    return dict(_parsed(name, spelling, entry, f"{entry[0]}={entry[1]}") for entry in entries)


def _parsed(name: str, spelling: Spelling, value: object, text: str) -> Any:
    """What a text stands for that is spelled as a value is."""
    try:
        return spelling.parse(text)
    except argparse.ArgumentTypeError as error:
        raise UserError(f"{name}={value!r}: {str(error).removeprefix(f'{text!r}: ')}") from error
