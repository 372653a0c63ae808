"""Finished points on the disk: complete or not there, whoever writes and whenever it is killed."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cimc.sweep import store
from cimc.sweep.store import Outcome, compact, read_outcomes, write_outcome, write_table
from dialects.errors import UserError

GOOD = Outcome("a" * 32, {"arrays": 3, "latency_ns.total": 2.5, "area_um2": None}, None, 0.25)
BAD = Outcome("b" * 32, {}, "mapping linear needs 3 arrays", 0.5)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_outcomes_come_back(tmp_path: Path) -> None:
    for outcome in (GOOD, BAD):
        write_outcome(tmp_path, outcome)
    assert names(tmp_path) == [f"finished/{'a' * 32}.parquet", f"finished/{'b' * 32}.parquet"]
    assert read_outcomes(tmp_path) == {GOOD.key: GOOD, BAD.key: BAD}


def test_many_files_become_one(tmp_path: Path) -> None:
    assert compact(tmp_path) == {}
    assert names(tmp_path) == []
    write_outcome(tmp_path, GOOD)
    assert compact(tmp_path) == {GOOD.key: GOOD}
    assert names(tmp_path) == ["finished.parquet"]
    write_outcome(tmp_path, BAD)
    found = compact(tmp_path)
    assert names(tmp_path) == ["finished.parquet"]
    assert found[GOOD.key] == GOOD
    assert read_outcomes(tmp_path)[BAD.key].error == BAD.error
    assert set(read_outcomes(tmp_path)[BAD.key].figures.values()) == {None}


def test_a_newer_result_replaces_an_older_one(tmp_path: Path) -> None:
    write_outcome(tmp_path, Outcome(GOOD.key, {}, "failed"))
    compact(tmp_path)
    write_outcome(tmp_path, GOOD)
    assert read_outcomes(tmp_path) == {GOOD.key: GOOD}
    assert compact(tmp_path) == {GOOD.key: GOOD}


def test_killed_between_the_two_steps_of_compaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_outcome(tmp_path, GOOD)

    def killed(self: Path, missing_ok: bool = False) -> None:
        if self.parent.name == store.POINTS and not self.name.startswith("."):
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        compact(tmp_path)
    monkeypatch.undo()
    assert names(tmp_path) == ["finished.parquet", f"finished/{GOOD.key}.parquet"]
    assert compact(tmp_path) == {GOOD.key: GOOD}
    assert names(tmp_path) == ["finished.parquet"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "t.parquet"
    write_table(file, [{"x": 1}])

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(UserError, match="no space left"):
        write_table(file, [{"x": 2}])
    assert pq.read_table(file).to_pylist() == [{"x": 1}]
    assert names(tmp_path) == ["t.parquet"]


def write_bad(folder: Path) -> None:
    write_outcome(folder, BAD)


@pytest.mark.parametrize("keep", [compact, write_bad])
def test_a_full_disk_is_told(keep: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_outcome(tmp_path, GOOD)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(UserError, match=r"\.parquet: cannot be written: no space left on device$"):
        keep(tmp_path)
    assert read_outcomes(tmp_path) == {GOOD.key: GOOD}


def test_tables_have_the_columns_of_all_rows(tmp_path: Path) -> None:
    """Numbers among texts become texts, for a column has one type."""
    write_table(tmp_path / "t.parquet", [{"monarch": 0, "x": 1}, {"monarch": "auto", "y": 1.5}])
    assert pq.read_table(tmp_path / "t.parquet").to_pylist() == [
        {"monarch": "0", "x": 1, "y": None},
        {"monarch": "auto", "x": None, "y": 1.5},
    ]


@pytest.mark.parametrize("content", [b"", b"no parquet", None])
def test_damaged_files(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "finished.parquet"
    write_table(file, [{"key": 1, "error": None, "seconds": "no number"}])
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_outcomes(tmp_path)
    assert str(error.value).startswith(f"{file}: damaged (")
    assert str(error.value).endswith("): remove it, and its points are computed again")
