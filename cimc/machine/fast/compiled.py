"""`kept`: compiles a loop with numba, and keeps the machine code on disk as long as no source of the loops changes."""

import contextlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import ParamSpec, TypeVar

from numba import njit

from cimc.machine.fast.kept_code import KeptCode
from cimc.machine.fast.loop_files import digest_of_sources

STAMP = "cimc-loops"
"""The file beside kept machine code that tells of which sources it was made, and by which numba."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


def kept(loop: Callable[_P, _R]) -> Callable[_P, _R]:
    """The loop, compiled when it is called first, by whatever process that is, and without Python's lock.

    numba keeps the machine code beside the sources, or in the user's cache, or where NUMBA_CACHE_DIR says. Where it may
    write to none of them, every process compiles anew.
    """
    compiled = njit(nogil=True)(loop)
    try:
        code = KeptCode(loop)
    except RuntimeError:  # so numba says that there is no such place
        return compiled
    forget_stale_loops(Path(code.cache_path))
    setattr(compiled, "_cache", code)  # what `cache=True` does, with numba's own files
    return compiled


@cache
def forget_stale_loops(folder: Path) -> None:
    """Removes machine code from `folder`, where numba keeps it, unless this numba made it of the sources as they are.

    numba looks only at the file of the function itself, but loops contain what they call in other files; and it may be
    unable to read what another version of it wrote.
    """
    stamp, sources = folder / STAMP, f"{digest_of_sources()} numba {version('numba')}"
    with contextlib.suppress(OSError):  # another process was faster, or the folder is not ours
        if stamp.is_file() and stamp.read_bytes() == sources.encode():
            return
        for index in folder.glob("*.nbi"):
            index.unlink(missing_ok=True)
        stamp.write_text(sources)
