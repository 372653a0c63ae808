"""`cimc model.onnx -o prog.cim`: compile an ONNX network to a program."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.commands.shared import FIGURES_FROM, Arguments, progress_bar, run_command, say, say_folded
from cimc.options.compilation import UserOptions
from cimc.options.spelling import add_options, given, options_of

if TYPE_CHECKING:
    from cimc.compiler import Compilation, Options


def _parser() -> argparse.ArgumentParser:
    parser = Arguments(
        prog="cimc", description="Compile an ONNX network to a program for an analog compute-in-memory chip."
    )
    add = parser.add_argument
    add("model", type=Path, help="the network, an .onnx file")
    add(
        "-o",
        dest="output",
        type=Path,
        metavar="PROG.cim",
        help="the program (default: the model's name with .cim, here)",
    )
    names = list(options_of(UserOptions))
    checking = names.index("time_limit")
    add_options(parser, UserOptions, names[:checking])
    add("--emit", choices=("cim", "array", "listing"), help="print IR or listing instead of writing a program")
    add_options(parser, UserOptions, names[checking:])
    add("-v", dest="verbose", action="store_true", help="print time and statistics of every pass, and every layer")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: _compile(arguments))


def _compile(arguments: argparse.Namespace) -> int:
    from cimc.compiler import compile_network, default_output
    from cimc.machine.stoppable import time_limit

    output: Path | None = arguments.output
    if output is None and arguments.emit is None:
        output = default_output(arguments.model)
    with progress_bar("compiling") as step:
        compilation = compile_network(arguments.model, _options(arguments, output), step)
        if output is not None:
            step("writing")
            compilation.program.save(output)
    with time_limit(arguments.time_limit):  # a summary counts operators by running them
        if arguments.emit is not None:
            _print_emitted(compilation, arguments.emit)
        elif output is not None:
            _print_summary(arguments.model, output, compilation)
        if arguments.verbose:
            _print_details(compilation)
    return 0


def _options(arguments: argparse.Namespace, output: Path | None) -> "Options":
    from cimc.compiler import Options

    return Options(
        **given(arguments, UserOptions),
        output=output,
        measure=arguments.emit is None,
        texts=arguments.emit in ("cim", "array"),
    )


def _print_emitted(compilation: "Compilation", form: str) -> None:
    from cimc.program.listing import header_lines, listing_lines

    if form != "listing":
        sys.stdout.write(compilation.texts[form])
        return
    for lines in (header_lines(compilation.program), listing_lines(compilation.program)):
        for line in lines:
            say(line)


def _print_summary(model: Path, output: Path, compilation: "Compilation") -> None:
    from cimc.report.report import report_of
    from cimc.report.text import summary_lines

    program = compilation.program
    say(f"{model} -> {output} ({output.stat().st_size / 1e6:.1f} MB) in {compilation.seconds:.1f} s")
    lines = list(summary_lines(report_of(program)))
    if compilation.distance is not None:
        lines.append(f"network       {compilation.distance}")
    say_folded(*(f"  {line}" for line in lines), indent=2 + FIGURES_FROM)


def _print_details(compilation: "Compilation") -> None:
    from cimc.report.report import report_of
    from cimc.report.text import layer_lines, statistics_lines

    rows = [(s.name, s.seconds, s.checking, s.operations) for s in compilation.statistics]
    for line in ("", *statistics_lines(rows), "", *layer_lines(report_of(compilation.program).layers)):
        say(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
