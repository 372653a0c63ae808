"""Long texts as a notebook should show them: their beginning, and how much there is besides."""

SHOWN = 60
"""Lines that are shown of a text that is not printed."""


class Text(str):
    """A text of many lines. `print` shows all of it, and where only its value is shown, its first lines."""

    __slots__ = ()

    def __repr__(self) -> str:
        lines = self.splitlines()
        left = len(lines) - SHOWN
        return "\n".join([*lines[:SHOWN], *([f"... and {left:,} more lines: print() shows all"] if left > 0 else [])])
