"""The working folder of a sweep, in which one sweep is at work at a time."""

import contextlib
import shutil
from collections.abc import Generator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from cimc.files.reasons import reason
from cimc.sweep.store import POINTS
from cimc.sweep.work import NETWORKS
from dialects.errors import UserError

WORK, LOCK = "work", "lock"


@contextlib.contextmanager
def working_folder(out: Path) -> Generator[Path]:
    """The working folder in `out`, for one sweep at a time; what a killed one left unfinished is removed."""
    folder = out / WORK
    made = [path for path in (out, folder) if not path.exists()]
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise UserError(
            f"{out}: another sweep is at work there: wait for it, or give another folder (--out)"
        ) from error
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {reason(error)}") from error
    try:
        for rest in (*(folder / NETWORKS).glob(".*"), *(folder / POINTS).glob(".*")):
            shutil.rmtree(rest) if rest.is_dir() else rest.unlink()
        yield folder
    finally:
        lock.release()
        _remove_if_empty(folder, made)


def _remove_if_empty(folder: Path, made: Sequence[Path]) -> None:
    """Remove the folders that this sweep made if it kept nothing in them."""
    if any(path.name != LOCK for path in folder.glob("*")):
        return
    (folder / LOCK).unlink(missing_ok=True)
    for path in reversed(made):
        with contextlib.suppress(OSError):
            path.rmdir()
