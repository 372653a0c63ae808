"""`cim-objdump prog.cim`: show what is in a program file, or a part of it, as text, JSON or ONNX."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cimc.commands.shared import Arguments, run_command, say, say_written
from cimc.file_checks import check_names, check_writable
from cimc.files.whole_file import STDOUT, whole_file
from cimc.options.values import natural, numbers, output_file
from cimc.program.errors import naming
from cimc.program.one_line import printable
from dialects.errors import UserError

if TYPE_CHECKING:
    from cimc.program.program import Program
    from cimc.program.selection import Selection

HEADER, LISTING, ARRAYS = "header", "listing", "arrays"


def _parser() -> argparse.ArgumentParser:
    parser = Arguments(prog="cim-objdump", description="Show what is in a program file.")
    parser.add_argument("program", type=Path, help="a .cim file")
    add = parser.add_argument_group("what to show").add_mutually_exclusive_group().add_argument
    add("--header", dest="view", action="store_const", const=HEADER, help="source, inputs, outputs, counts (default)")
    add("--listing", dest="view", action="store_const", const=LISTING, help="the instructions, one a line")
    add("--arrays", dest="view", action="store_const", const=ARRAYS, help="what lies in which array")
    add("--kernel", type=natural, metavar="N", help="kernel N: its digital operators; with -o as ONNX, for Netron")
    part = parser.add_argument_group("which part of the listing (default) or of the arrays; all that are given hold")
    add = part.add_argument
    add("--stage", type=numbers, action="append", default=[], metavar="N[-M]", help="of these stages")
    add("--node", action="append", default=[], metavar="NAME", help="of this ONNX node, or of those like 'block.0.*'")
    add("--array", type=numbers, action="append", default=[], metavar="N[-M]", help="of these arrays")
    add = parser.add_argument_group("how").add_argument
    add("--json", action="store_true", help="as JSON (docs/objdump.schema.json)")
    add("-o", dest="output", type=output_file, metavar="FILE", help="to a file, not to standard output (-)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    parts = [f"--{name}" for name in ("stage", "node", "array") if getattr(arguments, name)]
    for view in ("--kernel" if arguments.kernel is not None else "", "--header" if arguments.view == HEADER else ""):
        if view and parts:
            parser.error(f"argument {parts[0]}: not allowed with argument {view}, expected --listing or --arrays")
    if arguments.kernel is not None and arguments.json:
        parser.error("argument --json: not allowed with argument --kernel, which -o writes as ONNX")
    if arguments.view is None:
        arguments.view = LISTING if parts else HEADER
    return run_command(lambda: _dump(arguments))


def _dump(arguments: argparse.Namespace) -> int:
    from cimc.program.program import Program
    from cimc.program.selection import Selection

    path: Path = arguments.program
    output: Path | None = arguments.output
    check_names([path], [output])
    check_writable(output)
    program = Program.load(path)
    with naming(path):
        if arguments.kernel is not None:
            return _dump_kernel(program, arguments.kernel, output)
        selection = Selection(arguments.stage, arguments.node, arguments.array)
        lines = (_json if arguments.json else _text)(path, program, arguments.view, selection)
        if output is None or output == STDOUT:
            for line in lines:
                say(line)
            return 0
        with whole_file(output, UserError) as new, new.open("w", encoding="utf-8") as file:
            file.writelines(f"{printable(line)}\n" for line in lines)
    say_written(output)
    return 0


def _text(path: Path, program: "Program", view: str, selection: "Selection") -> Iterator[str]:
    from cimc.program.listing import array_lines, header_lines, listing_lines
    from cimc.program.seal import stored_seal

    if view == HEADER:
        return header_lines(program, stored_seal(path))
    if view == LISTING:
        return listing_lines(program, selection.records(program) if selection else None)
    return array_lines(program, selection.tiles(program) if selection else None)


def _json(path: Path, program: "Program", view: str, selection: "Selection") -> Iterator[str]:
    from cimc.program.json_text import array_entries, header_json, json_lines, record_entries
    from cimc.program.seal import stored_seal

    header = header_json(program, stored_seal(path))
    if view == HEADER:
        return json_lines(header)
    if view == LISTING:
        chosen = selection.records(program) if selection else None
        return json_lines(header, "records", record_entries(program, chosen))
    return json_lines(header, "arrays", array_entries(program, selection.tiles(program) if selection else None))


def _dump_kernel(program: "Program", number: int, output: Path | None) -> int:
    """As text without the large constants, or as an ONNX file with them."""
    from onnx import printer

    from cimc.program.onnx_models.whole_kernel import kernel_model, whole_kernel

    if output is None:
        say(*printer.to_text(kernel_model(program, number)).splitlines())
        return 0
    content = whole_kernel(program, number).SerializeToString()
    with whole_file(output, UserError) as new:
        new.write_bytes(content)
    say_written(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
