"""`cimc model.onnx -o prog.cim`: compile an ONNX network to a program."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.commands.shared import (
    FIGURES_FROM,
    Arguments,
    progress_bar,
    run_command,
    say,
    say_folded,
    say_written,
    standard_output_for,
)
from cimc.files.whole_file import STDOUT, is_stdout, is_stream, name_of
from cimc.options.compilation import UserOptions
from cimc.options.spelling import add_options, given, options_of
from cimc.options.values import output_file
from dialects.errors import UserError

if TYPE_CHECKING:
    from cimc.compiler import Compilation, Options


GROUPS = {
    "chip and mapping": ("chip", "arrays", "digital", "encoding", "mapping", "objective", "reload", "lossy", "tokens"),
    "structure": ("monarch", "monarch_budget", "prune_below"),
    "numbers": (
        "weight_bits",
        "weight_group",
        "activation_bits",
        "quality_budget",
        "smooth",
        "activations",
        "calibrate",
        "dims",
    ),
    "passes": ("passes", "keep_ir"),
    "files": ("reference", "reference_float"),
}
"""The options by what they are about; all others are about checks."""


class _Arguments(Arguments):
    """A parser whose help names the passes of other packages, which are looked for only then."""

    def format_help(self) -> str:
        from cimc.pass_driver.plugins import plugins

        names = [f"  {plugin.name}, of the package {plugin.package}" for plugin in plugins()]
        own = "\n".join(["", "passes of other packages, for --passes:", *names, ""]) if names else ""
        return super().format_help() + own


def _parser() -> argparse.ArgumentParser:
    parser = _Arguments(
        prog="cimc", description="Compile an ONNX network to a program for an analog compute-in-memory chip."
    )
    add = parser.add_argument
    add("--list-chips", action=_ListChips, nargs=0, help="print the chips that come with cimc, and exit")
    add("model", type=Path, help="the network, an .onnx file, or IR (.mlir) of any stage, as --keep-ir writes it")
    add(
        "-o",
        dest="output",
        type=output_file,
        metavar="PROG.cim",
        help="the program, - for standard output (default: the model's name with .cim, here)",
    )
    add("--emit", choices=("cim", "array", "listing"), help="print IR or listing instead of writing a program")
    add("-v", dest="verbose", action="store_true", help="print time and statistics of every pass, and every layer")
    for title, names in GROUPS.items():
        add_options(parser.add_argument_group(title), UserOptions, names)
    grouped = {name for names in GROUPS.values() for name in names}
    others = [name for name in options_of(UserOptions) if name not in grouped]
    add_options(parser.add_argument_group("checks and limits"), UserOptions, others)
    return parser


class _ListChips(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from cimc.hardware.library import chip_names, read_chip_file

        for name in chip_names():
            file = read_chip_file(name)
            chip = file.chip
            say_folded(
                f"{name:<{FIGURES_FROM}}{file.description}; {chip.rows}x{chip.columns}, {chip.cell_bits}-bit cells, "
                f"{chip.dac_bits}-bit DAC, {chip.adcs} ADCs of up to {chip.adc_bits} bits"
            )
        parser.exit()


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
    references = (arguments.reference, arguments.reference_float)
    if arguments.emit is not None and STDOUT in (output, *references):
        raise UserError(f"standard output: cannot be written: --emit {arguments.emit} prints there")
    with standard_output_for(output, *references):
        with progress_bar("compiling") as step:
            compilation = compile_network(arguments.model, _options(arguments, output), step)
            if output is not None:
                step("writing")
                compilation.program.save(output)
        with time_limit(arguments.time_limit):  # a summary counts operators by running them
            if arguments.emit is not None:
                _print_emitted(compilation, arguments.emit)
            elif output is not None:
                _print_summary(arguments.model, output, compilation, arguments.tokens)
            if arguments.verbose:
                _print_details(compilation)
        with standard_output_for(also=arguments.emit is not None):
            _say_written(output, *references, folder=arguments.keep_ir)
    return 0


def _say_written(*files: Path | None, folder: Path | None) -> None:
    """What was written, the weights beside a large reference and the kept IR included."""
    for path in files:
        say_written(path, *_weights_beside(path))
    if folder is not None:
        say_written(folder, remark=f" ({len(list(folder.glob('*.mlir')))} modules)")


def _weights_beside(path: Path | None) -> list[Path]:
    """The file with the weights of a large reference; one of an earlier reference is none."""
    from cimc.onnx_import.data_files import data_files
    from cimc.reference_writer import data_of

    if path is None or is_stream(path) or not data_of(path).exists():
        return []
    return [data_of(path)] if data_of(path) in data_files(path) else []


def _options(arguments: argparse.Namespace, output: Path | None) -> "Options":
    from cimc.compiler import Options

    options = Options(**given(arguments, UserOptions), output=output, texts=arguments.emit in ("cim", "array"))
    return options if arguments.emit is None else replace(options, measure=False)


def _print_emitted(compilation: "Compilation", form: str) -> None:
    from cimc.program.listing import header_lines, listing_lines

    if form != "listing":
        sys.stdout.write(compilation.texts[form])
        return
    for lines in (header_lines(compilation.program), listing_lines(compilation.program)):
        for line in lines:
            say(line)


def _print_summary(model: Path, output: Path, compilation: "Compilation", tokens: int | None) -> None:
    from cimc.options.conditions import Conditions
    from cimc.report.report import report_of
    from cimc.report.texts.text import summary_lines

    program = compilation.program
    size = "" if is_stdout(output) else f" ({output.stat().st_size / 1e6:.1f} MB)"
    say(f"{model} -> {name_of(output)}{size} in {compilation.seconds:.1f} s")
    lines = summary_lines(report_of(program, Conditions(tokens=tokens)), compilation.distance)
    say_folded(*(f"  {line}" for line in lines), indent=2 + FIGURES_FROM)


def _print_details(compilation: "Compilation") -> None:
    from cimc.report.report import report_of
    from cimc.report.texts.text import layer_lines, statistics_lines

    rows = [(s.name, s.seconds, s.checking, s.operations) for s in compilation.statistics]
    for line in ("", *statistics_lines(rows), "", *layer_lines(report_of(compilation.program).layers)):
        say(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
