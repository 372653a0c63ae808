"""Compiled loops on disk do not outlive the sources they were made of."""

import os
from pathlib import Path

from cimc.machine.fast.compiled import forget_stale_loops


def test_loops_older_than_any_source_are_removed(tmp_path: Path) -> None:
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    times = {
        tmp_path / "a.py": 10,
        tmp_path / "b.py": 20,
        cache / "old.nbi": 15,
        cache / "new.nbi": 25,
        cache / "a.pyc": 1,
    }
    for path, time in times.items():
        path.touch()
        os.utime(path, (time, time))
    forget_stale_loops(tmp_path)
    assert {path.name for path in cache.iterdir()} == {"new.nbi", "a.pyc"}
    forget_stale_loops(tmp_path)
    assert (cache / "new.nbi").exists()


def test_without_a_cache(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    forget_stale_loops(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]
