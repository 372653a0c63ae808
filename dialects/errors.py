"""The errors that a user can meet; they stand at the bottom, below all that raises them."""


class Error(Exception):
    """A mistake that a user can mend: the text says what was found, what was expected and what to do.

    As `cimc.Error` it is what to catch for all of them. The commands print it as one line, `cimc: error: <text>`, and
    exit with 1. A mistake of ours is an assertion.
    """


class UserError(Error):
    """What dialects, passes and the compiler raise: a model, an option or a file that cannot be used."""


class ListError(UserError):
    """A mistake whose text is a list that was asked for, in one line of any length."""
