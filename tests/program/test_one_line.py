"""Texts in one line."""

import pytest

from cimc.program.errors import ProgramError
from cimc.program.one_line import brief, one_line, printable


@pytest.mark.parametrize(
    ("text", "expected"), [("a  b", "a b"), (" a\n\tb\r\n", "a b"), (ValueError("a\nb"), "a b"), ("", "")]
)
def test_one_line(text: object, expected: str) -> None:
    assert one_line(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("left \u202e right", "left \\u202e right"),
        ("\ud800", "\\ud800"),
        ("\x9b", "\\x9b"),
        ("Straße \u5f20", "Straße \u5f20"),
    ],
)
def test_what_a_terminal_would_obey(text: str, expected: str) -> None:
    assert one_line(text) == printable(text) == str(ProgramError(text)) == expected


def test_long_texts_keep_their_ends() -> None:
    text = "file: " + "x" * 1000 + ": expected less"
    assert len(brief(text)) == 500
    assert brief(text).startswith("file: x")
    assert brief(text).endswith("x: expected less")
    assert " ... " in brief(text)
    assert brief("a\nb" * 100) == one_line("a\nb" * 100)


def test_as_many_letters_as_there_may_be() -> None:
    """What is left out is left out in the middle: 295 letters from the beginning and 200 from the end stay."""
    letters = "abcdefghijklmnopqrstuvwxy" * 20
    assert brief(letters) == letters
    assert brief(f"{letters}z") == f"{letters[:295]} ... {letters[-199:]}z"
