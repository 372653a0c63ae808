"""The one error of programs: a damaged or foreign file, or inputs that a program cannot take."""


class ProgramError(Exception):
    """A mistake the user can meet; the message is one line saying what was found and what was expected."""
