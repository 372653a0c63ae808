"""What `cim-opt --help` tells: options in groups, our passes one by one, then the names of all others."""

import argparse
import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from xdsl.passes import ModulePass

from cimc.options.spelling import Parser
from cimc.universe import PASSES

Given = tuple[tuple[Any, ...], dict[str, Any]]
WIDTH = 78
PASSES_OPTION = "--passes"
GROUPS = {
    "input and output": ("input_file", "--frontend", "--output-file", "--target"),
    "passes": (PASSES_OPTION,),
}
"""Options of xDSL with a place among ours, by the last of their names; all others are a group of their own."""
HELP = {
    "input_file": "a module (.mlir) or an ONNX network (.onnx); without it, a module from standard input",
    "--output-file": "where the module goes, its large weights to a file beside it (default, and -: standard output)",
    PASSES_OPTION: "what to run, in order, with options in braces: 'tile-blocks,place-tiles{mapping=linear}'",
    "--target": "what to write: %(names)s",
    "--frontend": "what the input is, where its name does not tell",
}
"""Instead of xDSL's own help."""


class Collector(argparse.ArgumentParser):
    """Keeps the options that it is given, for another parser to have them in groups."""

    def __init__(self) -> None:
        super().__init__(add_help=False)
        self.given: list[Given] = []

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        self.given.append((names, settings))
        return super().add_argument(*names, **settings)


def add_grouped(parser: argparse.ArgumentParser, given: Iterable[Given], targets: Collection[str]) -> Parser:
    """Add the options of xDSL, those that users need first and with a help of ours; the group for our own."""
    by_name = {names[-1]: (names, settings) for names, settings in given}
    for title, names in GROUPS.items():
        group = parser.add_argument_group(title)
        for name in names:
            own, settings = by_name.pop(name)
            text = HELP[name].replace("%(names)s", ", ".join(targets))
            settings["help"] = text
            group.add_argument(*own, **settings)
    ours, others = parser.add_argument_group("of cimc"), parser.add_argument_group("of xDSL")
    for own, settings in by_name.values():
        others.add_argument(*own, **settings)
    return ours


def passes_text(available: Iterable[str]) -> str:
    """What our passes do, in the order of the pipeline, and the names of the others."""
    ours = [pass_type.name for pass_type in PASSES]
    others = sorted(set(available) - set(ours))
    lines = ["passes of cimc, in the order in which they make a program:"]
    for pass_type in PASSES:
        lines += _pass_lines(pass_type)
    lines += ["", "passes of xDSL, and of packages that add theirs:"]
    lines += textwrap.wrap(
        ", ".join(others), WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
    return "\n".join(lines)


def _pass_lines(pass_type: type[ModulePass]) -> Iterator[str]:
    options = " ".join(_options(pass_type))
    call = f"{pass_type.name}{f'{{{options}}}' if options else ''}"
    yield from textwrap.wrap(
        call, WIDTH, initial_indent="  ", subsequent_indent=" " * (len(pass_type.name) + 3), break_on_hyphens=False
    )
    summary = inspect.cleandoc(pass_type.__doc__ or "").partition("\n\n")[0]
    yield from textwrap.wrap(summary, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)


def _options(pass_type: type[ModulePass]) -> Iterator[str]:
    """As they are spelled in braces, with their defaults."""
    for option in dataclasses.fields(pass_type):
        default = "" if option.default in (None, dataclasses.MISSING) else option.default
        yield f"{option.name.replace('_', '-')}={default if default != '' else '...'}"


def describe(
    parser: argparse.ArgumentParser,
    register: Callable[[argparse.ArgumentParser], None],
    available: Iterable[str],
    targets: Sequence[str],
) -> Parser:
    """Make a parser ours: its name, xDSL's options (which `register` adds) in groups, and the passes below them.

    Returns the group for our own options.
    """
    collector = Collector()
    register(collector)
    options = (option for option in collector.given if "--version" not in option[0])
    parser.prog = "cim-opt"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = passes_text(available)
    return add_grouped(parser, options, targets)
