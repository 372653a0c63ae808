"""TOML files: what is wrong with one is one line that begins with what it is."""

from pathlib import Path

import pytest

from cimc.hardware.toml_text import MOST_BYTES, parse_toml, read_bytes
from dialects.errors import UserError


def test_values() -> None:
    assert parse_toml(b'a = 1\n[b]\nc = ["\xc3\xbc"]', "grid g.toml") == {"a": 1, "b": {"c": ["ü"]}}


def test_no_more_is_read_than_shows_that_a_file_is_too_large(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    file.write_bytes(b"#" * (2 * MOST_BYTES))
    content = read_bytes(file, "grid")
    assert len(content) == MOST_BYTES + 1
    with pytest.raises(UserError, match=rf"^grid g is too large: expected at most {MOST_BYTES} bytes$"):
        parse_toml(content, "grid g")
    assert parse_toml(content[:-1], "grid g") == {}


def test_names_that_no_file_can_have() -> None:
    with pytest.raises(UserError, match=r"^grid a\x00b cannot be read: embedded null byte$"):
        read_bytes(Path("a\0b"), "grid")
