"""Compiled loops are kept on disk where that is possible, and not longer than the sources they were made of."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import config
from numpy.typing import NDArray

from cimc.machine.fast import compiled
from cimc.machine.fast.compiled import STAMP, forget_stale_loops, kept
from cimc.machine.fast.loop_files import digest_of_sources

Loop = Callable[[NDArray[Any]], int]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    forget_stale_loops.cache_clear()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_loops_of_other_sources_are_removed(tmp_path: Path) -> None:
    for name in ("old.nbi", "old.1.nbc", "a.pyc"):
        (tmp_path / name).touch()
    forget_stale_loops(tmp_path)
    assert names(tmp_path) == {STAMP, "old.1.nbc", "a.pyc"}
    assert (tmp_path / STAMP).read_text() == f"{digest_of_sources()} numba {version('numba')}"


def test_loops_of_these_sources_stay(tmp_path: Path) -> None:
    forget_stale_loops(tmp_path)
    (tmp_path / "new.nbi").touch()
    forget_stale_loops.cache_clear()
    forget_stale_loops(tmp_path)
    assert names(tmp_path) == {STAMP, "new.nbi"}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    forget_stale_loops(tmp_path / "none")
    assert not names(tmp_path)


def test_loops_of_another_numba_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_stale_loops(tmp_path)
    (tmp_path / "old.nbi").touch()
    monkeypatch.setattr(compiled, "version", str.upper)
    forget_stale_loops.cache_clear()
    forget_stale_loops(tmp_path)
    assert names(tmp_path) == {STAMP}


def double(x: NDArray[Any]) -> int:
    return 2 * len(x)


def test_loops_are_kept_where_numba_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    assert kept(double)(np.zeros(3)) == 6
    (folder,) = tmp_path.iterdir()
    assert STAMP in names(folder)
    assert any(name.endswith(".nbi") for name in names(folder))


def test_without_a_place_loops_are_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_place(loop: Loop) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(compiled, "KeptCode", no_place)
    assert kept(double)(np.zeros(3)) == 6


def test_a_damaged_stamp(tmp_path: Path) -> None:
    (tmp_path / STAMP).write_bytes(b"\xff\xfe")
    (tmp_path / "old.nbi").touch()
    forget_stale_loops(tmp_path)
    assert names(tmp_path) == {STAMP}
