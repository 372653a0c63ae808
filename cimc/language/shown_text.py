"""Text of a network as a terminal may have it: it is somebody else's, and comes in pieces."""

import unicodedata
from collections.abc import Callable

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of what follows, so that a line may look like another."""


def shown_text(text: str) -> str:
    """The text with escapes, as in Python, for what a terminal obeys; line breaks, tabs and all letters stay."""
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(letter: str) -> str:
    if letter in "\n\t" or (unicodedata.category(letter) not in ("Cc", "Cs") and letter not in _TURNING):
        return letter
    return letter.encode("unicode_escape").decode()


class Page:
    """Writes text piece by piece, and at the end a line break if there is none."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write
        self.last = "\n"

    def add(self, text: str) -> None:
        """Appends a piece, at once."""
        if text:
            self.write(shown_text(text))
            self.last = text[-1]

    def end(self) -> None:
        """Ends the last line."""
        if self.last != "\n":
            self.write("\n")
            self.last = "\n"
