"""The error that dialects, passes and the compiler raise for a mistake of the user."""


class UserError(Exception):
    """A mistake of the user: the text says what was found, what was expected and what to do.

    The commands print it as one line, `cimc: error: <text>`, and exit with 1. A mistake of ours is an assertion.
    """
