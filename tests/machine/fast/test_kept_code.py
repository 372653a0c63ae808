"""Machine code that was damaged on disk is noticed, said once, and compiled anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import config
from numpy.typing import NDArray

from cimc.machine.fast import kept_code
from cimc.machine.fast.compiled import forget_stale_loops, kept
from cimc.machine.fast.kept_code import DIGEST_BYTES

Damage = Callable[[bytes], bytes]


def triple(x: NDArray[Any]) -> int:
    return 3 * len(x)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the code of `triple` is kept."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    forget_stale_loops.cache_clear()
    kept_code.say_once.cache_clear()
    assert kept(triple)(np.zeros(3)) == 9
    (found,) = tmp_path.iterdir()
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.suffix: path.read_bytes() for path in folder.iterdir() if path.suffix in (".nbi", ".nbc")}


def test_code_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(folder)
    assert before.keys() == {".nbi", ".nbc"}
    loop = kept(triple)
    assert loop(np.zeros(3)) == 9
    assert contents(folder) == before
    assert capsys.readouterr().err == ""


DAMAGES: dict[str, Damage] = {
    "emptied": lambda content: b"",
    "cut off": lambda content: content[:-10],
    "cut off in the digest": lambda content: content[: DIGEST_BYTES // 2],
    "one bit": lambda content: content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
    "other contents": lambda content: b"no code" * 100,
}


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_code_is_compiled_anew(
    damage: str, suffix: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = folder.glob(f"*{suffix}")
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    for _ in range(2):
        assert kept(triple)(np.zeros(3)) == 9
    note = f"cimc: note: machine code kept in {folder} is damaged: compiling it anew\n"
    assert capsys.readouterr().err == note
    assert kept(triple)(np.zeros(3)) == 9
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_files_that_cannot_be_read_or_written(suffix: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = folder.glob(f"*{suffix}")
    file.unlink()
    file.mkdir()
    assert kept(triple)(np.zeros(3)) == 9
    assert capsys.readouterr().err == ""
