"""The weight store: where the bytes of weights live while the IR carries only key, digest and type.

A text of IR with its weights inline would be gigabytes; so `#cim.data<"key", "digest">` names an array of the
store, which hangs on the context as an interface of the `cim` dialect. The digest catches a stale side file and
makes equal weights equal in the IR. The module names the files with its arrays: `cim.weights`.

Networks are larger than memory. What is mapped from a file costs none, as its pages are given back; what is made of
such an array (float32 of float16, integers of floats) is made again when it is asked for, beyond `KEPT_BYTES`.
"""

import hashlib
import json
import weakref
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from xdsl.context import Context
from xdsl.dialect_interfaces import DialectInterface

from dialects.errors import UserError
from dialects.mapped_memory import TouchedFiles, mapping_of

Array = npt.NDArray[Any]
Remake = Callable[[], Array]
"""Makes an array once more, with the same content each time."""

KEPT_BYTES = 1 << 30
"""Bytes of arrays that could be made again and are kept all the same."""
TOUCHED_BYTES = 1 << 28
"""Bytes of mapped files that are handed out before their pages are given back."""
_SMALL = 1 << 16
"""Arrays of fewer bytes are kept in any case."""

_ENDING = ".weights.safetensors"


def weights_file(module: Path) -> Path:
    """Where the bytes of the weights go that a file of IR names: beside it, under its name."""
    return module.with_name(f"{module.name.removesuffix('.mlir')}{_ENDING}")


def digest_of(array: Array) -> str:
    """16 hex digits that depend on type, shape and content of `array`.

    Of SHA-1, which many processors have instructions for: gigabytes are read for it. It tells what differs by mistake,
    not by intention, and no 16 digits could.
    """
    content = hashlib.sha1(f"{array.dtype.name}{array.shape}".encode(), usedforsecurity=False)
    content.update(_bytes_of(array).data)
    return content.hexdigest()[:16]


@dataclass
class _Numbered:
    """The keys `name`, `name.1`, ... that are taken, by digest: thousands of arrays may have one name."""

    count: int = 0
    keys: dict[str, str] = field(default_factory=dict[str, str])

    def next(self, name: str) -> str:
        """The key after those that are known."""
        self.count += 1
        return name if self.count == 1 else f"{name}.{self.count - 1}"


@dataclass
class _Stored:
    """An array of the store, with what its content is; what can be made `again` need not be kept."""

    digest: str
    kept: Array | None
    again: Remake | None = None
    last: "weakref.ref[Array] | None" = None
    """What was made last, as long as somebody uses it."""

    @property
    def spared(self) -> int:
        """Bytes that are kept though they could be made again."""
        return 0 if self.kept is None or self.again is None else self.kept.nbytes

    def array(self) -> Array:
        """The array, made again if it was not kept."""
        if self.kept is not None:
            return self.kept
        array = None if self.last is None else self.last()
        if array is None:
            assert self.again is not None
            array = _unwritable(self.again())
            self.last = weakref.ref(array)
        return array


@dataclass
class WeightStore(DialectInterface):
    """Arrays by key. They may be views of mapped files: nothing is copied, and nobody writes to them."""

    _stored: dict[str, _Stored] = field(default_factory=dict[str, _Stored])
    _numbered: dict[str, _Numbered] = field(default_factory=dict[str, _Numbered])
    _spared: int = 0
    _touched: TouchedFiles = field(default_factory=lambda: TouchedFiles(TOUCHED_BYTES))
    _files: dict[Path, bool] = field(default_factory=dict[Path, bool])
    """Files that may hold arrays, and whether they have been read."""

    def put(self, name: str, array: Array, again: Remake | None = None, digest: str | None = None) -> tuple[str, str]:
        """Keep `array` under `name`, or `name.N` if another array has that name; give key and digest.

        A large one that `again` makes once more may not be kept. `digest` is that of `array`, where the caller knows
        it. Raises UserError for texts: safetensors has only numbers.
        """
        if array.dtype.kind == "O":
            raise UserError(f"weight {name!r} holds texts: only numbers can be weights")
        self._read_files()
        return self._put(name, np.asarray(array), again, digest)

    def _put(self, name: str, array: Array, again: Remake | None = None, digest: str | None = None) -> tuple[str, str]:
        self._touched.note(array)
        digest, known = digest or digest_of(array), self._numbered.setdefault(name, _Numbered())
        while digest not in known.keys:
            key = known.next(name)
            if key not in self._stored:
                self._stored[key] = self._new(digest, _unwritable(array), again)
            known.keys.setdefault(self._stored[key].digest, key)
        return known.keys[digest], digest

    def _new(self, digest: str, array: Array, again: Remake | None) -> _Stored:
        """What is stored of a new array."""
        if again is None or array.nbytes < _SMALL or mapping_of(array) is not None:
            return _Stored(digest, array)
        if self._spared + array.nbytes > KEPT_BYTES:
            return _Stored(digest, None, again, weakref.ref(array))
        self._spared += array.nbytes
        return _Stored(digest, array, again)

    def get(self, key: str, digest: str) -> Array:
        """The array that `#cim.data<"key", "digest">` names.

        Raises UserError if there is none or its content is not what the digest says.
        """
        array = self._named(key, digest).array()
        self._touched.note(array)
        return array

    def again(self, key: str, digest: str) -> Remake | None:
        """What gives the array once more without keeping it in memory; None for one that lies there anyway.

        It stays good when the store has forgotten the array. Raises UserError as `get` does.
        """
        stored = self._named(key, digest)
        if stored.again is not None or stored.kept is None or mapping_of(stored.kept) is None:
            return stored.again
        return partial(self._read, stored.kept)

    def _read(self, array: Array) -> Array:
        self._touched.note(array)
        return array

    def _named(self, key: str, digest: str) -> _Stored:
        stored = self._stored.get(key)
        if stored is not None and stored.digest == digest:
            return stored
        self._read_files()
        stored = self._stored.get(key)
        if stored is not None and stored.digest == digest:
            return stored
        same = next((other for other in self._stored.values() if other.digest == digest), None)  # under another name
        if same is not None:
            return same
        if stored is None:
            raise UserError(f"weight {key!r} has no data: {self._expected()}")
        raise UserError(
            f"weight {key!r} has digest {stored.digest}, the IR expects {digest}: "
            f"{self._names() or 'the store'} belongs to another compilation"
        )

    def _expected(self) -> str:
        """Where data should have been, and what to do."""
        missing = [path for path in self._files if not path.exists()]
        if missing:
            names = " and ".join(str(path) for path in missing)
            return f"there is no {names}: expected beside the IR the files that its cim.weights names"
        if self._files:
            return f"{self._names()} lacks it, and belongs to other IR"
        return "expected IR that names its files of weights (cim.weights), as cimc --keep-ir and cim-opt -o write it"

    def _names(self) -> str:
        return " and ".join(str(path) for path in self._files)

    @property
    def files(self) -> list[Path]:
        """The files that were named as those with the arrays."""
        return list(self._files)

    def attach_later(self, path: Path) -> None:
        """Map the arrays of a file as soon as one is asked for that is not there, or a new one is put."""
        self._files.setdefault(path, False)

    def _read_files(self) -> None:
        for path, is_read in self._files.items():
            if not is_read and path.exists():
                self._files[path] = True
                self._attach(path)

    def release_files(self) -> None:
        """Give back the memory of mapped files: they are read again when they are needed."""
        self._touched.release()

    def keep_only(self, keys: Container[str]) -> None:
        """Forget all other arrays, whose memory may then be used for something else."""
        self._stored = {key: stored for key, stored in self._stored.items() if key in keys}
        self._spared = sum(stored.spared for stored in self._stored.values())
        self._numbered.clear()

    def write(self, path: Path, arrays: Mapping[str, str] | None = None) -> None:
        """Write all arrays, or those with these keys and digests, to one safetensors file, one by one: together they
        may not fit into memory.

        Raises OSError if that fails, UserError if there is no such array.
        """
        if arrays is None:
            self._read_files()
            chosen = self._stored
        else:
            chosen = {key: self._named(key, digest) for key, digest in arrays.items()}
        kinds: dict[str, list[object]] = {}
        header: dict[str, object] = {}
        end = 0
        for key, stored in chosen.items():
            array = stored.array()
            kinds[key] = [array.dtype.name, list(array.shape)]
            first, end = end, end + array.nbytes
            header[key] = {"dtype": "U8", "shape": [array.nbytes], "data_offsets": [first, end]}
        text = json.dumps({"__metadata__": {"kinds": json.dumps(kinds)}, **header}).encode()
        text += b" " * (-len(text) % 8)  # as the library does it, so that the arrays begin at a multiple
        with path.open("wb") as file:
            file.writelines((len(text).to_bytes(8, "little"), text))
            for stored in chosen.values():
                array = stored.array()
                self._touched.note(array)
                file.write(_bytes_of(array).data)

    def attach(self, path: Path) -> None:
        """Map all arrays of a file that `write` wrote, without reading their bytes but for the digests."""
        self._files[path] = True
        self._attach(path)

    def _attach(self, path: Path) -> None:
        for key, array in _mapped(path).items():
            self._put(key, array)


def check_side_file(path: Path) -> None:
    """UserError if another's file has the name of a side file that is to be written."""
    if path.exists():
        try:
            _mapped(path)
        except UserError as error:
            raise UserError(
                f"{path}: cannot be written: there is a file of that name that cimc did not write: "
                "expected another name or folder"
            ) from error


def _unwritable(array: Array) -> Array:
    array.flags.writeable = False
    return array


def _bytes_of(array: Array) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _mapped(path: Path) -> Mapping[str, Array]:
    """The arrays of a side file, as views of the mapped file (the format: length, JSON header, bytes)."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header: dict[str, dict[str, Any]] = json.loads(file.read(min(length, path.stat().st_size)))
        kinds: dict[str, tuple[str, list[int]]] = json.loads(header.pop("__metadata__")["kinds"])
        data = np.memmap(path, np.uint8, "r", offset=8 + length) if header else np.zeros(0, np.uint8)
        arrays: dict[str, Array] = {}
        for key, entry in header.items():
            name, shape = kinds[key]
            first, last = entry["data_offsets"]
            arrays[key] = data[first:last].view(_dtype(name)).reshape(shape)
        return arrays
    except Exception as error:  # whatever may be wrong with the bytes of a file
        raise UserError(f"{path}: not a file of weights written by --keep-ir or cim-opt ({error})") from error


def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name)) if hasattr(ml_dtypes, name) else np.dtype(name)


def store_of(ctx: Context) -> WeightStore:
    """The weight store of a context in which the `cim` dialect is loaded."""
    dialect = ctx.get_optional_dialect("cim")
    store = None if dialect is None else dialect.get_interface(WeightStore)
    assert store is not None, "the context lacks the cim dialect"
    return store
