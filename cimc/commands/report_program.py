"""`cim-report prog.cim`: what a program needs of the chip, as text, JSON, CSV, page, trace and pictures."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.commands.shared import (
    Arguments,
    make_folder,
    progress_bar,
    run_command,
    say,
    say_folded,
    say_written,
    standard_output_for,
)
from cimc.extras import need
from cimc.file_checks import check_names, check_writable
from cimc.files.whole_file import name_of, whole_file
from cimc.options.conditions import Conditions
from cimc.options.spelling import add_options, given
from cimc.options.values import output_file
from dialects.errors import UserError

if TYPE_CHECKING:
    from cimc.report.study import Study


def _parser() -> argparse.ArgumentParser:
    parser = Arguments(
        prog="cim-report",
        description="Report what a program needs of the chip; several programs are compared side by side. "
        "In place of a file, - stands for standard output; what is printed otherwise then goes to standard error.",
    )
    add = parser.add_argument
    add("programs", type=Path, nargs="+", metavar="program", help="a .cim file")
    add("-o", dest="html", type=output_file, metavar="REPORT.html", help="a page to look at")
    add("--json", type=output_file, metavar="REPORT.json", help="the figures, for other programs")
    add("--csv", type=output_file, metavar="LAYERS.csv", help="the figures of each layer, as a table")
    add("--trace", type=output_file, metavar="TRACE.json", help="the schedule, for Perfetto or Chrome's trace viewer")
    add("--png", type=Path, metavar="DIR", help="the figures of the page as images, in this folder")
    add_options(parser, Conditions)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: _report(arguments))


def _report(arguments: argparse.Namespace) -> int:
    from cimc.program.program import Program
    from cimc.report.study import studies_of

    programs: list[Path] = arguments.programs
    outputs: list[Path | None] = [arguments.html, arguments.json, arguments.csv, arguments.trace]
    _check_programs(programs)
    check_names(programs, outputs)
    check_writable(*outputs)
    _check_folder(arguments.png)
    for file in (arguments.html, arguments.png):
        if file is not None:
            need("report", f"{name_of(file)}: drawing it")
    conditions = Conditions(**given(arguments, Conditions))
    studies = studies_of({str(path): Program.load(path) for path in programs}, conditions)
    if arguments.trace is not None:
        _check_schedules(studies)
    with standard_output_for(*outputs):
        written: list[Path] = []
        with progress_bar("report") as step:
            for path, name, write in (
                (arguments.json, "figures", _write_json),
                (arguments.csv, "layers", _write_csv),
                (arguments.trace, "trace", _write_trace),
                (arguments.html, "page", _write_page),
                (arguments.png, "pictures", partial(_write_pictures, programs)),
            ):
                if path is not None:
                    step(name)
                    written += write(path, studies)
        _print(studies)
        say_written(*written)
    return 0


def _check_programs(programs: Sequence[Path]) -> None:
    """UserError for a program that is named twice."""
    seen: set[Path] = set()
    for path in programs:
        if path.resolve() in seen:
            raise UserError(f"{path}: is given twice: name each program once")
        seen.add(path.resolve())


def _check_schedules(studies: Sequence["Study"]) -> None:
    """UserError for a program without a schedule to trace."""
    for study in studies:
        if study.timeline is None:
            raise UserError(f"{study.label}: was made without times, so there is no schedule to trace: compile it anew")


def _check_folder(folder: Path | None) -> None:
    """UserError for a folder that cannot be made or written to, before the work."""
    if folder is None:
        return
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: cannot be written: is a file, expected the name of a folder for --png")
    check_writable(folder / "figure.png" if folder.exists() else folder)


def _write_json(path: Path, studies: Sequence["Study"]) -> list[Path]:
    import json

    from cimc.report.study import json_of

    with whole_file(path, UserError) as new:
        new.write_text(json.dumps(json_of(studies), indent=2) + "\n")
    return [path]


def _write_csv(path: Path, studies: Sequence["Study"]) -> list[Path]:
    from cimc.report.texts.layers_csv import write_layers

    with whole_file(path, UserError) as new, new.open("w", newline="", encoding="utf-8") as file:
        write_layers([(study.label, study.report) for study in studies], file)
    return [path]


def _write_trace(path: Path, studies: Sequence["Study"]) -> list[Path]:
    import json

    from cimc.report.trace import trace_of

    with whole_file(path, UserError) as new:
        new.write_text(json.dumps(trace_of(studies), separators=(",", ":")) + "\n")
    return [path]


def _write_page(path: Path, studies: Sequence["Study"]) -> list[Path]:
    from cimc.report.page.page import page_of

    with whole_file(path, UserError) as new:
        new.write_text(page_of(studies), encoding="utf-8")
    return [path]


def _write_pictures(programs: Sequence[Path], folder: Path, studies: Sequence["Study"]) -> list[Path]:
    from cimc.report.figures.pictures import pictures_of

    make_folder(folder)
    written: list[Path] = []
    for name, contents in pictures_of(studies):
        check_names(programs, [folder / name])
        with whole_file(folder / name, UserError) as new:
            new.write_bytes(contents)
        written.append(folder / name)
    return written


def _print(studies: Sequence["Study"]) -> None:
    """One program as a summary and tables, several side by side."""
    from cimc.report.texts.comparison import comparison_tables, subject_lines
    from cimc.report.texts.table import print_table
    from cimc.report.texts.text import component_table, layer_table, summary_lines

    if len(studies) > 1:
        say_folded(*subject_lines(studies), indent=4)
        tables = list(comparison_tables(studies))
    else:
        report = studies[0].report
        say_folded(*summary_lines(report))
        tables = [component_table(report), layer_table(report.layers)]
    for table in tables:
        say("")
        print_table(table)


if __name__ == "__main__":
    sys.exit(main())
