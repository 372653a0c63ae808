"""IR as an input: a module read from its file with the weights that it names, whatever passes have run on it."""

import contextlib
import re
from collections.abc import Generator
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.utils.exceptions import DiagnosticException, ParseError, VerifyException
from xdsl.utils.mlir_lexer import MLIRLexer

from cimc.files.reasons import reason
from dialects.dominance import undefined_use
from dialects.element_types import strange_type
from dialects.errors import UserError
from dialects.history import copy_history, unchanged_since
from dialects.weight_uses import wrong_weight_use

STRING_LITERAL = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')
"""xDSL's expression, but possessive: xDSL's takes a time of 2^n for a text of n letters that nothing closes."""
setattr(MLIRLexer, "_unescaped_characters_regex", STRING_LITERAL)

ENDING = ".mlir"


def is_ir(file: Path) -> bool:
    """Whether a file is IR, by its name."""
    return file.suffix == ENDING


def read_ir(ctx: Context, file: Path) -> ModuleOp:
    """The module in a file, verified; of a note that the IR is unchanged, that of the file which it names.

    Raises UserError, one line with the file and the place in it, for a file that holds none.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {reason(error)}") from error
    try:
        with reading_ir(str(file)):
            module = Parser(ctx, text.decode(), str(file)).parse_module()
            verify(module)
    except ParseError as error:
        raise UserError(located_message(error)) from error
    except (VerifyException, DiagnosticException) as error:
        raise UserError(f"{file}: {error}") from error
    return resolved(ctx, module, file)


def resolved(ctx: Context, module: ModuleOp, file: Path) -> ModuleOp:
    """The module that stood in `file`, or, if that is a note, the one that the note names, with its list of passes."""
    name = unchanged_since(module)
    if name is None:
        return module
    other = file.parent / name
    if Path(name).name != name or not other.is_file():
        raise UserError(f"{file}: says that its IR is that of {name}: expected that file beside it")
    text = other.read_bytes()
    if b"cim.unchanged_since" in text:
        raise UserError(f"{file}: says that its IR is that of {name}, which is such a note, too")
    again = read_ir(ctx, other)
    copy_history(module, again)
    return again


@contextlib.contextmanager
def reading_ir(file: str) -> Generator[None]:
    """Whatever goes wrong with a text of IR is a mistake in it, as a UserError that names the file."""
    try:
        yield
    except (ParseError, DiagnosticException, UserError):  # these know their place
        raise
    except RecursionError as error:
        raise UserError(f"{file}: not a module that can be read: it is nested too deeply") from error
    except Exception as error:  # xDSL has no one type for what a lexer, a number or an attribute raises
        raise UserError(f"{file}: not a module that can be read: {str(error) or type(error).__name__}") from error


def verify(module: ModuleOp) -> None:
    """VerifyException for a module that is not a legal one, or has types that no network has."""
    module.verify()
    wrong = undefined_use(module) or wrong_weight_use(module) or strange_type(module)
    if wrong is not None:
        raise VerifyException(wrong)


def located_message(error: ParseError) -> str:
    """`file:line:column: message`."""
    return f"{error.span.get_location()}: {error.msg}"
