"""`cim-report prog.cim`: what a program needs of the chip."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cimc.commands.shared import check_writable, run_command, writing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cim-report", description="Report what a program needs of the chip.")
    add = parser.add_argument
    add("program", type=Path, help="a .cim file")
    add("-o", dest="html", type=Path, metavar="REPORT.html", help="a page to look at")
    add("--json", type=Path, metavar="REPORT.json", help="the figures, for other programs")
    add("--trace", type=Path, metavar="TRACE.json", help="the schedule, for a trace viewer")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: _report(arguments))


def _report(arguments: argparse.Namespace) -> int:
    import json

    from cimc.program.program import Program
    from cimc.report.report import report_of
    from cimc.report.text import layer_lines, summary_lines
    from dialects.errors import UserError

    for option, value in (("-o", arguments.html), ("--trace", arguments.trace)):
        if value is not None:
            raise UserError(f"{option} is not available yet: use --json, or the summary on the terminal")
    check_writable(arguments.json)
    report = report_of(Program.load(arguments.program))
    if arguments.json is not None:
        with writing(arguments.json) as temporary:
            temporary.write_text(json.dumps(report.to_json(), indent=2) + "\n")
    for line in (*summary_lines(report), "", *layer_lines(report.layers)):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
