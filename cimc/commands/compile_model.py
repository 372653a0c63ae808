"""`cimc model.onnx -o prog.cim`: compile an ONNX network to a program."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.commands.shared import (
    Arguments,
    blocks,
    dimension,
    positive,
    progress_bar,
    run_command,
    say,
    seconds,
    share,
)

if TYPE_CHECKING:
    from cimc.compiler import Compilation, Options

MAPPINGS = ("spread", "densemap", "sparsemap", "linear")
OBJECTIVES = ("arrays", "latency", "throughput")


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
    add("--chip", default="pcm-256", metavar="FILE|NAME", help="chip file (TOML) or the name of one of cimc's own")
    add("--arrays", type=positive, metavar="N", help="how many arrays the chip has")
    add("--mapping", choices=MAPPINGS, default="spread", help="how tiles are placed (default: spread)")
    add("--objective", choices=OBJECTIVES, default="arrays", help="what spread aims at (default: fewest arrays)")
    add("--lossy", type=positive, default=0, metavar="BITS", help="convert to so many bits at most, which may clip")
    add("--monarch", type=blocks, metavar="BLOCKS|auto|paper", help="project dense weights onto Monarch factors")
    add(
        "--monarch-budget", type=share, default=0.1, metavar="E", help="relative error a layer may have with auto (0.1)"
    )
    add(
        "--prune-below", type=share, default=0.0, metavar="T", help="weights below T count as zero in finding structure"
    )
    add("--dim", type=dimension, action="append", default=[], metavar="NAME=VALUE", help="fix a dynamic dimension")
    add(
        "--activations",
        choices=("token", "tensor", "static"),
        help="how activations are quantised (default: per token)",
    )
    add("--calibrate", type=Path, metavar="X.npz", help="inputs for static activations and for the distance")
    add("--keep-ir", type=Path, metavar="DIR", help="write the IR after every pass to DIR")
    add("--reference", type=Path, metavar="REF.onnx", help="write the network that the program computes, as ONNX")
    add("--reference-float", type=Path, metavar="F.onnx", help="write the network before it is quantised, as ONNX")
    add("--emit", choices=("cim", "array", "listing"), help="print IR or listing instead of writing a program")
    add(
        "--time-limit",
        type=seconds,
        metavar="SECONDS",
        help="longest time ONNX Runtime may take for a graph (default: 20 to measure the distance, 600 otherwise)",
    )
    add("--verify-each", action="store_true", help="run the network before and after every pass and compare")
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
        chip=arguments.chip,
        mapping=arguments.mapping,
        objective=arguments.objective,
        lossy=arguments.lossy,
        arrays=arguments.arrays,
        dims=dict(arguments.dim),
        activations=arguments.activations,
        calibrate=arguments.calibrate,
        output=output,
        keep_ir=arguments.keep_ir,
        reference=arguments.reference,
        reference_float=arguments.reference_float,
        monarch=arguments.monarch,
        monarch_budget=arguments.monarch_budget,
        prune_below=arguments.prune_below,
        verify_each=arguments.verify_each,
        measure=arguments.emit is None,
        time_limit=arguments.time_limit,
        texts=arguments.emit in ("cim", "array"),
    )


def _print_emitted(compilation: "Compilation", what: str) -> None:
    from cimc.program.listing import header_lines, listing_lines

    if what != "listing":
        sys.stdout.write(compilation.texts[what])
        return
    for lines in (header_lines(compilation.program), listing_lines(compilation.program)):
        for line in lines:
            say(line)


def _print_summary(model: Path, output: Path, compilation: "Compilation") -> None:
    from cimc.report.report import report_of
    from cimc.report.text import summary_lines

    program = compilation.program
    say(f"{model} -> {output} ({output.stat().st_size / 1e6:.1f} MB) in {compilation.seconds:.1f} s")
    for line in summary_lines(report_of(program)):
        say(f"  {line}")
    if compilation.distance is not None:
        say(f"  network       {compilation.distance}")


def _print_details(compilation: "Compilation") -> None:
    from cimc.report.report import report_of
    from cimc.report.text import layer_lines, statistics_lines

    rows = [(s.name, s.seconds, s.checking, s.operations) for s in compilation.statistics]
    for line in ("", *statistics_lines(rows), "", *layer_lines(report_of(compilation.program).layers)):
        say(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
