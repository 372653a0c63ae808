"""Checks of file names before the work: inputs are never overwritten, whatever their names."""

from pathlib import Path

import pytest

from cimc.file_checks import check_names, check_readable, check_writable
from dialects.errors import UserError


def test_links_and_other_spellings_are_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.touch()
    (tmp_path / "soft").symlink_to(file)
    (tmp_path / "hard").hardlink_to(file)
    for name in ("a", "soft", "hard", f"../{tmp_path.name}/a"):
        with pytest.raises(UserError, match=r": cannot be written: it is also an input, expected another name$"):
            check_names([file], [tmp_path / name])
        with pytest.raises(UserError, match=r": cannot be written: another output has the same name$"):
            check_names([], [file, tmp_path / name])
    check_names([file, None], [tmp_path / "b", None, tmp_path / "c"])


def test_files_that_are_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("new")
    with pytest.raises(UserError, match="another output has the same name"):
        check_names([], [tmp_path / "new", tmp_path / "link"])
    with pytest.raises(UserError, match="it is also an input"):
        check_names([tmp_path / "new"], [tmp_path / "new"])


def test_devices_can_be_written_twice() -> None:
    null = Path("/dev/null")
    check_names([null], [null, null])
    check_writable(null, None)
    check_readable(null, None)


def test_networks_that_cannot_be_read_are_left_to_their_reader(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    (tmp_path / "m.onnx").write_text("location")
    check_names([], [tmp_path / "out"], networks=[tmp_path / "m.onnx", tmp_path / "none.onnx", None])
