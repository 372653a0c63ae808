"""Files with machine code that begin with a digest of the rest: a damaged one is noticed, and counts as none.

numba believes what it finds in its files. One that was cut off or changed made every run fail, or worse, ran.
"""

import contextlib
import hashlib
import pickle
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

from cimc.machine.fast.compilation import say_compiling

DIGEST_BYTES = 32


class KeptCode(FunctionCache):
    """Where numba keeps the machine code of one function; RuntimeError if there is no place for it."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _SealedFiles(self.cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: object, target_context: object) -> Any:
        code = super().load_overload(sig, target_context)
        if code is None:  # numba compiles it now, and saves it then
            say_compiling(True)
        return code

    def save_overload(self, sig: object, data: object) -> None:
        say_compiling(False)
        with contextlib.suppress(OSError):  # a full disk, say: the code is compiled anew next time
            super().save_overload(sig, data)


class _SealedFiles(IndexDataCacheFile):
    """numba's files of one function: an index of its forms, and a file with the code of each."""

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._seal(self._index_path, (self._version, self._source_stamp, overloads))

    def _load_index(self) -> dict[Any, str]:
        index = _opened(Path(self._index_path))
        if index is None:
            return {}
        version, stamp, overloads = index
        return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_data(self, name: str, data: object) -> None:
        self._seal(self._data_path(name), data)

    def _load_data(self, name: str) -> Any:
        return _opened(Path(self._data_path(name)))

    def _seal(self, path: str, contents: object) -> None:
        data = self._dump(contents)
        with self._open_for_write(path) as file:
            file.write(_digest(data) + data)


def _opened(file: Path) -> Any:
    """What a file holds; None for one that is not there, cannot be read, or is damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, data = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if digest != _digest(data):
        say_once(str(file.parent))
        return None
    return pickle.loads(data)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


@cache
def say_once(folder: str) -> None:
    print(f"cimc: note: machine code kept in {folder} is damaged: compiling it anew", file=sys.stderr)
