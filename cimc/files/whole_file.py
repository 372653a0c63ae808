"""Files that appear whole or not at all, whatever stops the process: all that cimc writes is written this way.

A file is written in a hidden folder beside its place, and moved there when it is complete. What a killed process left
of such a folder is removed by the next that writes the same file.
"""

import contextlib
import hashlib
import itertools
import os
import re
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

from cimc.files.reasons import reason

STDOUT = Path("/dev/stdout")
"""Standard output, for a file that is written there: by us, so that it may be a file that others append to."""
_HOST = hashlib.blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()
"""Numbers of processes mean something on their own machine only, and folders may be shared."""
_STDOUT_DESCRIPTOR = 1
_LONGEST = 180
"""Letters of a name that fit a longer name."""
_counter = itertools.count()
_own: set[str] = set()
"""The names of the folders that this process is writing in."""


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str], wrong: type[Exception]) -> Generator[Path]:
    """A file to write, with the name of `path`, that takes its place when the context is left without an exception.

    What is no regular file (a pipe, a terminal, /dev/null) gets the bytes instead, and so does STDOUT, whatever it is;
    the target of a link is replaced, not the link; a file that is replaced hands on its permissions. If nothing is
    written, nothing happens. Raises `wrong`, with one line, if the file cannot be written; BrokenPipeError if nobody
    reads standard output any more.
    """
    try:
        place = _place(Path(path))
        with hidden_folder(place or Path(tempfile.gettempdir(), Path(path).name)) as folder:
            new = folder / (place or Path(path)).name
            mode = _usual_mode(new)
            yield new
            if not new.exists():
                return
            if place is None:
                _pour(new, Path(path))
            else:
                _hand_on_permissions(place, new, mode)
                os.replace(new, place)
    except OSError as error:
        if is_stdout(path) and isinstance(error, BrokenPipeError):
            raise
        raise wrong(f"{name_of(path)}: cannot be written: {reason(error)}") from error


def is_stdout(path: str | os.PathLike[str]) -> bool:
    """Whether a file is to be written to standard output."""
    return Path(path) == STDOUT


def is_stream(path: Path) -> bool:
    """Whether what is written there cannot have another file beside it: standard output, or what is no regular file."""
    return is_stdout(path) or (path.exists() and not path.is_file())


def name_of(path: str | os.PathLike[str]) -> str:
    """What a message calls a file."""
    return "standard output" if is_stdout(path) else os.fspath(path)


@contextlib.contextmanager
def hidden_folder(place: Path) -> Generator[Path]:
    """An empty folder beside `place`, for us alone; what killed processes left of theirs is removed."""
    name = place.name
    if len(os.fsencode(name)) > _LONGEST:
        name = hashlib.blake2b(os.fsencode(name), digest_size=16).hexdigest()
    _remove_left_ones(place.parent, name)
    folder = place.with_name(f".{name}.{os.getpid()}-{_HOST}-{next(_counter)}.part")
    _own.add(folder.name)
    try:
        folder.mkdir(0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _own.discard(folder.name)


def hindrance(path: Path) -> str:
    """Why a file cannot be written, as far as can be told before the long work that would be lost; "" for nothing."""
    try:
        place = _place(path)
    except OSError as error:
        return reason(error)
    if place is None:
        return ""
    if not place.parent.is_dir():
        return f"there is no directory {place.parent}"
    if not os.access(place.parent, os.W_OK | os.X_OK):
        return f"the directory {place.parent} may not be written to"
    return ""


def _place(path: Path) -> Path | None:
    """Where the file will be, links followed; None for what is no regular file, and must not be replaced by one."""
    if is_stdout(path):
        return None
    place = Path(os.path.realpath(path))
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return place if path.is_symlink() else path
    if stat.S_ISDIR(status.st_mode):
        raise OSError("is a directory, expected the name of a file")
    if stat.S_ISBLK(status.st_mode):
        raise OSError("is a disk, expected the name of a file")
    if not os.access(path, os.W_OK):
        raise OSError("is protected from writing")
    if not stat.S_ISREG(status.st_mode) or not place.exists():  # a file without a name is open as /dev/stdout, say
        return None
    return place if path.is_symlink() else path


def _usual_mode(new: Path) -> int:
    """The permissions that files are born with."""
    new.touch()
    try:
        return stat.S_IMODE(new.stat().st_mode)
    finally:
        new.unlink()


def _hand_on_permissions(old: Path, new: Path, mode: int) -> None:
    """Gives the new file owner and permissions of the old one, or those that files are born with."""
    with contextlib.suppress(OSError):  # nothing is there, or its owner is not ours to choose
        status = old.stat()
        mode = stat.S_IMODE(status.st_mode) & 0o777
        os.chown(new, status.st_uid, status.st_gid)
    new.chmod(mode)  # some writers leave a file that nobody else may read


def _pour(new: Path, sink: Path) -> None:
    if is_stdout(sink):
        sys.stdout.flush()
    descriptor = os.dup(_STDOUT_DESCRIPTOR) if is_stdout(sink) else os.open(sink, os.O_WRONLY)
    with open(descriptor, "wb") as target, new.open("rb") as source:
        shutil.copyfileobj(source, target, 1 << 20)


def _remove_left_ones(parent: Path, name: str) -> None:
    """Removes the folders for a file of that name whose processes are no more."""
    pattern = re.compile(rf"\.{re.escape(name)}\.(\d+)-{_HOST}-\d+\.part")
    with contextlib.suppress(OSError):
        for entry in os.scandir(parent):
            named = pattern.fullmatch(entry.name)
            if named and entry.name not in _own and not _runs(int(named[1])):
                shutil.rmtree(entry.path, ignore_errors=True)


def _runs(process: int) -> bool:
    """Whether another process has that number, or may have it; our own are known by their folders."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
