"""Compiled loops that numba keeps on disk, and when they are too old."""

import contextlib
from pathlib import Path

FOLDER = Path(__file__).parent


def forget_stale_loops(folder: Path = FOLDER) -> None:
    """Removes compiled loops that are older than any source in the folder.

    numba looks only at the file of the function itself, but loops contain what they call in other files.
    """
    newest = max(source.stat().st_mtime_ns for source in folder.glob("*.py"))
    for index in (folder / "__pycache__").glob("*.nbi"):
        with contextlib.suppress(OSError):  # another process was faster, or the folder is not ours
            if index.stat().st_mtime_ns < newest:
                index.unlink()
