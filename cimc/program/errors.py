"""The one error of programs: a damaged or foreign file, or inputs that a program cannot take."""

from cimc.program.one_line import printable


class ProgramError(Exception):
    """A mistake the user can meet; the message says what was found and what was expected.

    It is one line, whatever names from a file it quotes.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(" ".join(message.splitlines())))
