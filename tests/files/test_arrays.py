"""Files of arrays: whatever is wrong with one is a reason, never another exception."""

from pathlib import Path

import numpy as np
import pytest

from files.arrays import DamagedArchive, NoArchive, read_arrays


def test_arrays_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.ones((1, 2)), text=np.array(["nan"]))
    found = read_arrays(tmp_path / "x.npz")
    assert found.keys() == {"x", "text"}
    assert found["x"].tolist() == [[1, 1]]


def test_damaged_archives(damaged_archives: dict[str, bytes], tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    for damage, content in damaged_archives.items():
        file.write_bytes(content)
        with pytest.raises(DamagedArchive) as error:
            read_arrays(file)
        assert str(error.value), damage
        assert isinstance(error.value, NoArchive) == (damage in ("no archive", "truncated", "half")), damage


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.npz")
    with pytest.raises(DamagedArchive, match="null"):  # so Python says that no file can have this name
        read_arrays("a\0b.npz")
