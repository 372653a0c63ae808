"""Texts in one line."""

import pytest

from cimc.program.one_line import one_line


@pytest.mark.parametrize(
    ("text", "expected"), [("a  b", "a b"), (" a\n\tb\r\n", "a b"), (ValueError("a\nb"), "a b"), ("", "")]
)
def test_one_line(text: object, expected: str) -> None:
    assert one_line(text) == expected
