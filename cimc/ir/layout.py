"""Long lines of IR as several: MLIR takes a line break wherever it takes a space."""

import re
from collections.abc import Iterator

WIDTH = 120
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|->|[^"]')
"""A text in quotes, an arrow, or any other letter."""
_UNKNOWN = re.compile(r' loc\(unknown\)|"(?:[^"\\]|\\.)*"')
_OPENING, _CLOSING = "([{<", ")]}>"
_STEP = 2


def wrapped(text: str) -> str:
    """`text` with breaks after commas, so that lines are short where they can be; each dictionary of a list has one."""
    lines, line = list[str](), ""
    for part in _parts(text):
        if line.strip() and len(line) + len(part.rstrip()) > WIDTH:
            lines.append(line.rstrip())
            line = " " * _STEP
        line += part
        if part.endswith("}, "):
            lines.append(line.rstrip())
            line = " " * _STEP
    return "\n".join([*lines, line])


def _parts(text: str) -> Iterator[str]:
    """What stands between commas, each with the comma and the space after it."""
    part = ""
    for piece in _PIECE.findall(text):
        if piece == " " and part.endswith(","):
            yield part + " "
            part = ""
        else:
            part += piece
    yield part


def folded(header: str, new_line: str) -> str:
    """The header of a function with a line for each argument and result, if it does not fit one line.

    A place that is not known is not written. `new_line` begins a line where the header does.
    """
    header = _UNKNOWN.sub(lambda part: "" if part[0].startswith(" ") else part[0], header)
    if len(new_line) + len(header) <= WIDTH:
        return header
    inner, outer = new_line + " " * 2 * _STEP, new_line + " " * _STEP
    text, opened = "", list[str]()
    pieces = _PIECE.findall(header)
    for piece, following in zip(pieces, [*pieces[1:], ""]):
        if piece in _OPENING:
            opened.append(piece)
            text += piece + (inner if opened == ["("] and following != ")" else "")
        elif piece in _CLOSING:
            text += (outer if opened == ["("] and not text.endswith("(") else "") + piece
            opened.pop()
        elif piece == " " and opened == ["("] and text.endswith(","):
            text += inner
        else:
            text += piece
    return text
