"""`cim-report prog.cim`: what a program needs of the chip."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cimc.commands.shared import check_writable, dimension, positive, run_command, writing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cim-report", description="Report what a program needs of the chip.")
    add = parser.add_argument
    add("program", type=Path, help="a .cim file")
    add("-o", dest="html", type=Path, metavar="REPORT.html", help="a page to look at")
    add("--json", type=Path, metavar="REPORT.json", help="the figures, for other programs")
    add("--csv", type=Path, metavar="LAYERS.csv", help="the figures of each layer, as a table")
    add("--trace", type=Path, metavar="TRACE.json", help="the schedule, for a trace viewer")
    add(
        "--dim", type=dimension, action="append", default=[], metavar="NAME=VALUE", help="count operators for this size"
    )
    add("--context", type=positive, default=512, metavar="N", help="tokens before the one that is counted (512)")
    add("--tokens", type=positive, default=512, metavar="N", help="tokens of a prefill (512)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: _report(arguments))


def _report(arguments: argparse.Namespace) -> int:
    import json

    from cimc.program.program import Program
    from cimc.report.cost import Conditions
    from cimc.report.layers_csv import write_layers
    from cimc.report.report import report_of
    from cimc.report.table import print_table
    from cimc.report.text import component_table, layer_table, summary_lines
    from dialects.errors import UserError

    for option, value in (("-o", arguments.html), ("--trace", arguments.trace)):
        if value is not None:
            raise UserError(f"{option} is not available yet: use --json, or the summary on the terminal")
    check_writable(arguments.json, arguments.csv)
    conditions = Conditions(dims=dict(arguments.dim), context=arguments.context, tokens=arguments.tokens)
    report = report_of(Program.load(arguments.program), conditions)
    if arguments.json is not None:
        with writing(arguments.json) as temporary:
            temporary.write_text(json.dumps(report.to_json(), indent=2) + "\n")
    if arguments.csv is not None:
        with writing(arguments.csv) as temporary, temporary.open("w", newline="") as file:
            write_layers([(arguments.program.stem, report)], file)
    print(*summary_lines(report), sep="\n")
    for table in (component_table(report), layer_table(report.layers)):
        print()
        print_table(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
