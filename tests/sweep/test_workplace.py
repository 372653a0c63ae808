"""The working folder: for one sweep at a time, without what a killed one left unfinished."""

from pathlib import Path

import pytest

from cimc.sweep.workplace import working_folder
from dialects.errors import UserError


def test_it_is_made_and_kept_if_something_is_in_it(tmp_path: Path) -> None:
    with working_folder(tmp_path / "a" / "out") as folder:
        assert folder == tmp_path / "a" / "out" / "work"
        (folder / "finished.parquet").touch()
    assert (tmp_path / "a" / "out" / "work" / "finished.parquet").exists()


def test_it_is_removed_if_nothing_is_in_it(tmp_path: Path) -> None:
    """But only what was made."""
    (tmp_path / "old").mkdir()
    for out in ("new", "old"):
        with working_folder(tmp_path / out):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert list((tmp_path / "old").iterdir()) == []


def test_what_is_unfinished_is_removed(tmp_path: Path) -> None:
    for name in ("networks/.k.1", "networks/key", "finished"):
        (tmp_path / "work" / name).mkdir(parents=True)
    for name in ("networks/.k.1/network.mlir", "finished/.k.parquet.1", "finished/k.parquet"):
        (tmp_path / "work" / name).touch()
    with working_folder(tmp_path) as folder:
        found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    assert found == ["finished", "finished/k.parquet", "lock", "networks", "networks/key"]


def test_it_is_locked(tmp_path: Path) -> None:
    with working_folder(tmp_path):
        with pytest.raises(UserError, match=r": another sweep is at work there: wait for it, or give another folder"):
            with working_folder(tmp_path):
                pass
    with working_folder(tmp_path):
        pass


def test_it_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"/file: cannot be written: "):
        with working_folder(tmp_path / "file"):
            pass
