"""Machine code of loops on disk: damaged files are noticed, and none is older than the sources."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.machine.fast import loop_files
from cimc.machine.fast.loop_files import DIGEST_BYTES, folders, keep_code, kept_code

Damage = Callable[[bytes], bytes]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "code"))
    loop_files.say_once.cache_clear()
    return tmp_path / "code"


def test_code_is_kept_by_name_and_signature(folder: Path) -> None:
    assert kept_code("loop", "loop(int64)") is None
    keep_code("loop", "loop(int64)", b"code")
    assert kept_code("loop", "loop(int64)") == b"code"
    assert kept_code("loop", "loop(float64)") is None
    assert kept_code("other", "loop(int64)") is None


def test_code_of_other_sources_is_forgotten(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_code("loop", "a", b"old")
    monkeypatch.setattr(loop_files, "digest_of_sources", lambda: "0" * 16)
    assert kept_code("loop", "a") is None
    keep_code("other", "a", b"new")
    assert [file.name.split(".")[0] for file in folder.iterdir()] == ["other"]


def test_every_source_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_files, "SOURCES", tmp_path)
    digests: set[str] = set()
    for name, text in (("a.py", "1"), ("b.py", "2"), ("b.py", "3")):
        (tmp_path / name).write_text(text)
        loop_files.digest_of_sources.cache_clear()
        digests.add(loop_files.digest_of_sources())
    loop_files.digest_of_sources.cache_clear()
    assert len(digests) == 3


def test_another_processor_has_other_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_code("loop", "a", b"code")
    monkeypatch.setattr(loop_files, "_compiler", lambda: ("another",))
    assert kept_code("loop", "a") is None


DAMAGES: dict[str, Damage] = {
    "emptied": lambda content: b"",
    "cut off": lambda content: content[:-1],
    "cut off in the digest": lambda content: content[: DIGEST_BYTES // 2],
    "one bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_said_once(damage: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep_code("loop", "a", b"code")
    (file,) = folder.iterdir()
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert [kept_code("loop", "a") for _ in range(2)] == [None, None]
    note = f"cimc: note: machine code kept in {folder} is damaged: compiling it anew\n"
    assert capsys.readouterr().err == note
    keep_code("loop", "a", b"code")
    assert kept_code("loop", "a") == b"code"


def test_folders_that_cannot_be_written(folder: Path) -> None:
    """The next one is taken; if there is none, nothing is kept."""
    folder.write_text("a file")
    keep_code("loop", "a", b"code")
    assert kept_code("loop", "a") is None


def test_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path))
    assert folders() == [loop_files.SOURCES / "__pycache__", tmp_path / "cimc"]
