"""What `cim-opt -t` prints besides IR: the listing of a scheduled module, and its program."""

from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target

from cimc.compiler import Options, emit_read
from cimc.pass_driver.remaining_passes import options_so_far
from cimc.program.listing import header_lines, listing_lines
from cimc.program.one_line import printable
from cimc.program.program import Program
from cimc.recorded_options import recorded_of
from dialects.history import fixed_dims


def program_of(ctx: Context, module: ModuleOp) -> Program:
    """The program of a module that passes have scheduled; UserError if it is not, or not legally so."""
    options = Options(**options_so_far(module), dims=fixed_dims(module))
    program = emit_read(ctx, module, options)
    program.options = recorded_of(module, options)
    return program


@dataclass(frozen=True)
class ListingTarget(Target):
    """The program as text, as `cim-objdump` shows it."""

    name = "listing"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        program = program_of(ctx, module)
        for lines in (header_lines(program), listing_lines(program)):
            output.writelines(f"{printable(line)}\n" for line in lines)


@dataclass(frozen=True)
class ProgramTarget(Target):
    """The program itself, which is no text: `cim-opt` writes it to the file that -o names."""

    name = "program"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        raise NotImplementedError("a program is no text: cim-opt -t program -o PROG.cim writes it")


def _listing() -> type[Target]:
    return ListingTarget


def _program() -> type[Target]:
    return ProgramTarget


TARGETS = {ListingTarget.name: _listing, ProgramTarget.name: _program}
