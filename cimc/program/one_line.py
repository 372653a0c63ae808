"""Texts from elsewhere, names of ONNX nodes above all, as they may stand in a line and be shown on a terminal."""

LONGEST = 500
"""Letters of a message."""


def printable(text: str) -> str:
    """The text with escapes, as in Python, for what a terminal obeys or cannot show."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def one_line(text: object) -> str:
    """The text, printable, with single blanks where it has line breaks and other white space; ONNX allows all."""
    return printable(" ".join(str(text).split()))


def brief(text: object) -> str:
    """The text as one line of at most `LONGEST` letters; what a message says to do is at its end."""
    line = one_line(text)
    if len(line) <= LONGEST:
        return line
    end = LONGEST * 2 // 5
    return f"{line[: LONGEST - end - 5]} ... {line[-end:]}"
