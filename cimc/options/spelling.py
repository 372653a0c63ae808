"""An option is a field of a dataclass; how a command line spells it stands in the field's type."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, dataclass, fields
from typing import Any, Protocol, get_args


@dataclass(frozen=True)
class Spelling:
    """How a command line spells an option, and what its help says of it.

    One without `metavar` and `choices` takes no value: it is given, or it is not. What is done unless one says no has
    two spellings, `--measure` and `--no-measure`.
    """

    help: str
    metavar: str | None = None
    parse: Callable[[str], Any] = str
    """The value that a text stands for; argparse.ArgumentTypeError for a text that stands for none."""
    choices: Sequence[str] | None = None
    flag: str | None = None
    """None for the name of the field: `--time-limit` for `time_limit`."""
    pairs: bool = False
    """Whether it may be given again and again, each time with a name and a value."""


def options_of(owner: type[Any]) -> dict[str, Spelling]:
    """The options among the fields of a dataclass, by name and in order: those of type `Annotated[..., Spelling()]`."""
    spellings = {option.name: _spelling(option) for option in fields(owner)}
    return {name: spelling for name, spelling in spellings.items() if spelling is not None}


def _spelling(option: Field[Any]) -> Spelling | None:
    return next((part for part in get_args(option.type) if isinstance(part, Spelling)), None)


def explained(owner: type[Any]) -> str:
    """A line for each option of a dataclass: its name, and what a command's help says of it."""
    texts = {name: spelling.help for name, spelling in options_of(owner).items()}
    return "\n".join(f"{name}: {text % {'default': getattr(owner, name, None)}}" for name, text in texts.items())


class Parser(Protocol):
    """A parser, or a group of its arguments."""

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action: ...


def add_options(parser: Parser, owner: type[Any], names: Iterable[str] | None = None) -> None:
    """Add the options of a dataclass, or those of these names, as arguments of a command, in this order."""
    known = options_of(owner)
    for name in known if names is None else names:
        spelling = known[name]
        flag = spelling.flag or "--" + name.replace("_", "-")
        if spelling.metavar is None and spelling.choices is None:
            default: bool = getattr(owner, name)
            switch = argparse.BooleanOptionalAction if default else "store_true"
            parser.add_argument(flag, dest=name, action=switch, default=default, help=spelling.help)
            continue
        parser.add_argument(
            flag,
            dest=name,
            action="append" if spelling.pairs else "store",
            type=spelling.parse,
            default=[] if spelling.pairs else getattr(owner, name),
            choices=spelling.choices,
            metavar=spelling.metavar,
            help=spelling.help,
        )


def given(arguments: argparse.Namespace, owner: type[Any], names: Iterable[str] | None = None) -> dict[str, Any]:
    """The values of the options that `add_options` added, by name: what the dataclass is made of."""
    known = options_of(owner)
    values = {name: getattr(arguments, name) for name in (known if names is None else names)}
    return {name: dict(value) if known[name].pairs else value for name, value in values.items()}
