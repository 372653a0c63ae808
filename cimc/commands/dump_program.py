"""`cim-objdump prog.cim`: show what is in a program file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cimc.commands.shared import Arguments, run_command, say


def _parser() -> argparse.ArgumentParser:
    parser = Arguments(prog="cim-objdump", description="Show what is in a program file.")
    parser.add_argument("program", type=Path, help="a .cim file")
    views = parser.add_mutually_exclusive_group()
    views.add_argument(
        "--header", dest="view", action="store_const", const="header", help="inputs, outputs, counts (default)"
    )
    views.add_argument(
        "--listing", dest="view", action="store_const", const="listing", help="the instructions, one a line"
    )
    views.add_argument("--arrays", dest="view", action="store_const", const="arrays", help="what lies in which array")
    parser.set_defaults(view="header")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    arguments = _parser().parse_args(argv)
    return run_command(lambda: _dump(arguments.program, arguments.view))


def _dump(path: Path, view: str) -> int:
    from cimc.program.listing import array_lines, header_lines, listing_lines
    from cimc.program.program import Program

    program = Program.load(path)
    lines = {"header": header_lines, "listing": listing_lines, "arrays": array_lines}[view]
    for line in lines(program):
        say(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
