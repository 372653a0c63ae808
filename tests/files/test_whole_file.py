"""Files appear whole or not at all, devices and links stay what they are, and nothing is left lying about."""

import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest

import cimc
from cimc.files.whole_file import STDOUT, hindrance, is_stdout, is_stream, name_of, whole_file
from dialects.errors import UserError


def write(path: Path, text: str) -> None:
    with whole_file(path, UserError) as new:
        new.write_text(text)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with whole_file(path, UserError) as new:
        new.write_text("new")
        assert path.read_text() == "old"
        assert new.name == path.name
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_of_a_failure(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with suppress(error), whole_file(path, UserError) as new:
        new.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_is_written_nothing_happens(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.txt", UserError):
        pass
    assert list(tmp_path.iterdir()) == []


def test_names_without_a_folder_and_long_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "n" * 255):
        write(Path(name), name)
        write(Path(name), name)
        assert Path(name).read_text() == name
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("link", ["link", "to link"])
def test_the_target_of_a_link_is_replaced(link: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/target")
    (tmp_path / "to link").symlink_to("link")
    for text in ("new", "newer"):
        write(tmp_path / link, text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "to link").is_symlink()
        assert (tmp_path / "there" / "target").read_text() == text
    assert len(list(tmp_path.rglob("*"))) == 4


def test_devices_stay_devices() -> None:
    before = os.stat("/dev/null")
    write(Path("/dev/null"), "gone")
    assert os.stat("/dev/null").st_rdev == before.st_rdev
    with pytest.raises(UserError, match=r"^/dev/full: cannot be written: no space left on device$"):
        write(Path("/dev/full"), "too much")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    assert not [name for name in os.listdir("/dev") if name.endswith(".part")]


def test_pipes_get_the_bytes(tmp_path: Path) -> None:
    pipe, received = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()
    write(pipe, "x" * 100_000)
    reader.join()
    assert received == ["x" * 100_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_file_without_a_name_gets_the_bytes(tmp_path: Path) -> None:
    with tempfile.TemporaryFile(dir=tmp_path) as file:
        write(Path(f"/proc/self/fd/{file.fileno()}"), "text")
        assert file.read() == b"text"
    assert list(tmp_path.iterdir()) == []


def test_permissions(tmp_path: Path) -> None:
    """Those of the file that is replaced, or those that any new file has, even if a writer is stricter."""
    path, other = tmp_path / "a.txt", tmp_path / "b.txt"
    other.touch()
    with whole_file(path, UserError) as new:
        new.write_text("")
        new.chmod(0o600)
    assert mode_of(path) == mode_of(other)
    path.chmod(0o640)
    with whole_file(path, UserError) as new:
        assert mode_of(new.parent) == 0o700
        new.write_text("")
    assert mode_of(path) == 0o640


def test_the_owner_of_a_file_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.touch()
    if os.geteuid() == 0:
        os.chown(path, 12345, 54321)
    owner = path.stat().st_uid
    write(path, "new")
    assert path.stat().st_uid == owner


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    for name, before, reason in (
        (".", "is a directory, expected the name of a file", "is a directory, expected the name of a file"),
        ("none/a", f"there is no directory {tmp_path}/none", "no such file or directory"),
        ("file/a", f"there is no directory {tmp_path}/file", "not a directory"),
        ("loop", "too many levels of symbolic links", "too many levels of symbolic links"),
    ):
        path = tmp_path / name
        assert hindrance(path) == before
        with pytest.raises(UserError) as error:
            write(path, "")
        assert str(error.value) == f"{path}: cannot be written: {reason}"
    assert hindrance(tmp_path / "file") == hindrance(tmp_path / "new") == hindrance(Path("/dev/null")) == ""


@pytest.mark.parametrize("kind", ["file", "folder", "disk"])
def test_what_is_protected(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.touch()

    def access(asked: Path, mode: int) -> bool:  # root may do everything, so that no mode of a file would tell
        return asked != {"file": path, "folder": tmp_path}.get(kind)

    monkeypatch.setattr(os, "access", access)
    if kind == "disk":
        monkeypatch.setattr(stat, "S_ISBLK", stat.S_ISREG)
    assert (
        hindrance(path)
        == {
            "file": "is protected from writing",
            "folder": f"the directory {tmp_path} may not be written to",
            "disk": "is a disk, expected the name of a file",
        }[kind]
    )


KILLED = """
import os, signal, sys
from pathlib import Path
from cimc.files.whole_file import whole_file
with whole_file(sys.argv[1], OSError) as new:
    new.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    for _ in range(2):
        subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert path.read_text() == "old"
    left = [other for other in tmp_path.iterdir() if other != path]
    assert left != []
    write(tmp_path / "b.txt", "another file")
    assert set(left) <= set(tmp_path.iterdir())
    write(path, "new")
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "b.txt"]


def test_what_others_are_writing_stays(tmp_path: Path) -> None:
    """Folders of processes that run, of other machines, of our own threads, and files that only look alike."""
    path = tmp_path / "a.txt"
    with whole_file(path, UserError) as new:
        new.write_text("first")
        number, host, count = new.parent.name.removeprefix(".a.txt.").removesuffix(".part").split("-")
        others = [f".a.txt.{os.getppid()}-{host}-{count}.part", f".a.txt.999999999-00000000-{count}.part", ".a.txt.7"]
        for other in others:
            (tmp_path / other).mkdir()
        reused = tmp_path / f".a.txt.{number}-{host}-{int(count) + 1000}.part"  # a number of a dead process is ours now
        reused.mkdir()
        write(path, "second")
        assert not reused.exists()
        assert path.read_text() == "second"
    assert path.read_text() == "first"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["a.txt", *others])


def test_thirty_kills_leave_old_or_new(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0" * 1_000_000)
    child = """
import sys
from cimc.files.whole_file import whole_file
for number in range(10_000_000):
    with whole_file(sys.argv[1], OSError) as new:
        new.write_text(str(number % 10) * 1_000_000)
    if not number:
        print("begun", flush=True)
"""
    for _ in range(30):
        process = subprocess.Popen([sys.executable, "-c", child, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
        text = path.read_text()
        assert text == text[0] * 1_000_000
    write(path, "end")
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_else_puts_files_in_their_places() -> None:
    """But a folder of a sweep, which appears as a whole."""
    root = Path(cimc.__file__).parent.parent
    sources = [path for package in ("cimc", "dialects", "passes") for path in (root / package).rglob("*.py")]
    movers = [path.name for path in sources if re.search(r"os\.(replace|rename)\(", path.read_text())]
    assert movers == ["whole_file.py"]


def test_standard_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It gets the bytes, whatever it is, after what was printed before; nothing is made beside it."""
    print("before", end=" ")
    write(STDOUT, "text")
    assert capfd.readouterr().out == "before text"
    assert hindrance(STDOUT) == ""
    assert (name_of(STDOUT), name_of(tmp_path / "a")) == ("standard output", f"{tmp_path}/a")
    assert (is_stdout(STDOUT), is_stdout("a"), is_stream(STDOUT), is_stream(Path("/dev/null"))) == (
        True, False, True, True,
    )  # fmt: skip
    assert not is_stream(tmp_path / "a.txt")


def test_standard_output_that_is_full_or_gone(tmp_path: Path) -> None:
    """A full disk is told of it; that nobody reads is for the command to know."""
    lines = (
        "from cimc.files.whole_file import STDOUT, whole_file",
        "with whole_file(STDOUT, SystemExit) as new: new.write_text('text' * 100_000)",
    )
    command = [sys.executable, "-c", "\n".join(lines)]
    root = str(Path(cimc.__file__).parents[1])
    with open("/dev/full", "w") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=root)
    assert run.stderr == "standard output: cannot be written: no space left on device\n"
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, cwd=root)
    os.close(writer)
    assert run.stderr.splitlines()[-1] == "BrokenPipeError: [Errno 32] Broken pipe"
