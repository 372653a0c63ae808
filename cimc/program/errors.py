"""The one error of programs: a damaged or foreign file, or inputs that a program cannot take."""

import contextlib
import os
from collections.abc import Generator

from cimc.program.one_line import printable
from dialects.errors import Error

MALFORMED = (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
"""What Python and numpy raise on contents that nobody foresaw; a reader makes one line of them that names its file."""


class ProgramError(Error):
    """A mistake the user can meet; the message says what was found and what was expected.

    It is one line, whatever names from a file it quotes.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(" ".join(message.splitlines())))


@contextlib.contextmanager
def naming(path: str | os.PathLike[str]) -> Generator[None]:
    """Errors in a program name its file."""
    try:
        yield
    except ProgramError as error:
        raise ProgramError(f"{os.fspath(path)}: {error}") from error


@contextlib.contextmanager
def reading(path: str | os.PathLike[str]) -> Generator[None]:
    """As `naming`, and there are no other errors: nothing in a file is a mistake of ours."""
    with naming(path):
        try:
            yield
        except MALFORMED as error:
            raise ProgramError(f"damaged: {type(error).__name__}: {error}") from error
