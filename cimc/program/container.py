"""Containers: tensors and one JSON text in a safetensors file, written as a stream, read without copying.

The writer is our own, though its files are those of the library `safetensors`, byte for byte: that one makes a copy of
every tensor before it writes the first, and programs are larger than memory.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from cimc.files.reasons import reason
from cimc.files.whole_file import whole_file
from cimc.program.errors import ProgramError, reading
from cimc.program.mapped import portions

METADATA_KEY = "cimc"
"""The one entry of the safetensors metadata; a single one, so that equal programs are equal files."""

Tensor: TypeAlias = NDArray[np.generic]

_DTYPES = {
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
    "F32": "<f4",
    "U32": "<u4",
    "I32": "<i4",
    "F16": "<f2",
    "U16": "<u2",
    "I16": "<i2",
    "I8": "<i1",
    "U8": "<u1",
    "BOOL": "?",
}
"""Element types in the order in which tensors of them lie in a file, so that each is aligned."""
_NAMES = {np.dtype(written): name for name, written in _DTYPES.items()}
STORABLE_DTYPES = frozenset(np.dtype(name) for name in _DTYPES.values())
"""Element types that a container can hold."""

_LENGTH_BYTES = 8
_MAXIMAL_HEADER_BYTES = 100_000_000  # the limit of the safetensors format


@dataclass(frozen=True)
class Container:
    """What a file holds: `metadata` is JSON text, `tensors` are read-only views of the mapped file."""

    metadata: str
    tensors: Mapping[str, Tensor]


def write_container(path: str | os.PathLike[str], container: Container) -> None:
    """Writes a file: `path` holds either the whole container or what it held before.

    Raises ProgramError if the file cannot be written.
    """
    order = {dtype: place for place, dtype in enumerate(_NAMES)}
    tensors = dict(sorted(container.tensors.items(), key=lambda item: (order[item[1].dtype], item[0])))
    header = _header(container.metadata, tensors)
    with whole_file(path, ProgramError) as new, new.open("wb") as stream:
        stream.write(len(header).to_bytes(_LENGTH_BYTES, "little"))
        stream.write(header)
        for tensor in tensors.values():
            for portion in portions(tensor):
                stream.write(portion)


def _header(metadata: str, tensors: Mapping[str, Tensor]) -> bytes:
    """The JSON text that tells where each tensor lies; spaces at its end align the first of them."""
    entries: dict[str, object] = {"__metadata__": {METADATA_KEY: metadata}}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.nbytes
        entries[name] = {"dtype": _NAMES[tensor.dtype], "shape": tensor.shape, "data_offsets": (start, end)}
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % _LENGTH_BYTES)


def read_container(path: str | os.PathLike[str]) -> Container:
    """Maps the file into memory; the tensors are views of it.

    Raises ProgramError, naming the file, if it is missing, truncated, damaged or no program.
    """
    with reading(path):
        return _parse(_map_file(path))


def _map_file(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    try:
        if os.path.isfile(path) and not os.path.getsize(path):
            raise ProgramError("the file is empty, expected a program made by cimc")
        # asarray drops the memmap subclass, whose slices are slow; the mapping lives as long as its views
        return np.asarray(np.memmap(path, np.uint8, mode="r"))
    except OSError as error:
        raise ProgramError(f"cannot be read: {reason(error)}") from error


def _parse(data: NDArray[np.uint8]) -> Container:
    header_bytes = int.from_bytes(data[:_LENGTH_BYTES].tobytes(), "little")
    start = _LENGTH_BYTES + header_bytes
    if data.size < _LENGTH_BYTES or header_bytes > _MAXIMAL_HEADER_BYTES or not data[8:9].tobytes() == b"{":
        raise ProgramError("not a cimc program: expected a safetensors file")
    if start > data.size:
        raise ProgramError(f"truncated: the header ends at byte {start}, the file at byte {data.size}")
    try:
        header: object = json.loads(data[_LENGTH_BYTES:start].tobytes())
    except (ValueError, RecursionError) as error:
        raise ProgramError("damaged: the header is not JSON") from error
    entries = _as_object(header, "the header")
    metadata = _as_object(entries.pop("__metadata__", {}), "__metadata__").get(METADATA_KEY)
    if not isinstance(metadata, str):
        raise ProgramError("not a cimc program: a safetensors file without cimc metadata")
    return Container(metadata, _read_tensors(data[start:], entries))


def _as_object(value: object, subject: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ProgramError(f"damaged: {subject} is not a JSON object")
    return cast(dict[str, object], dict(cast(Mapping[Any, object], value)))


def _read_tensors(data: NDArray[np.uint8], entries: Mapping[str, object]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    spans: list[tuple[int, int]] = []
    for name, value in entries.items():
        entry = _as_object(value, f"the header entry of tensor {name}")
        dtype = _read_dtype(name, entry.get("dtype"))
        shape = _read_sizes(name, "shape", entry.get("shape"))
        offsets = _read_sizes(name, "data_offsets", entry.get("data_offsets"))
        if len(offsets) != 2 or offsets[1] - offsets[0] != _bytes(shape, dtype):
            raise ProgramError(f"damaged: tensor {name} of {dtype} {list(shape)} cannot lie at bytes {list(offsets)}")
        if offsets[1] > data.size:
            raise ProgramError(f"truncated: tensor {name} ends at byte {offsets[1]} of {data.size}")
        tensors[name] = _shaped(name, data[offsets[0] : offsets[1]].view(dtype), shape)
        spans.append((offsets[0], offsets[1]))
    _check_spans(sorted(spans), data.size)
    return tensors


def _read_dtype(name: str, value: object) -> np.dtype[np.generic]:
    if not isinstance(value, str) or value not in _DTYPES:
        raise ProgramError(
            f"damaged: tensor {name} has element type {value}, expected one of {', '.join(reversed(_DTYPES))}"
        )
    return np.dtype(_DTYPES[value])


def _read_sizes(name: str, field: str, value: object) -> tuple[int, ...]:
    if isinstance(value, list):
        sizes = cast(list[object], value)
        if len(sizes) <= 64 and all(type(size) is int and size >= 0 for size in sizes):
            return tuple(cast(list[int], sizes))
    raise ProgramError(f"damaged: tensor {name} has no valid {field}")


def _shaped(name: str, elements: Tensor, shape: tuple[int, ...]) -> Tensor:
    try:
        return elements.reshape(shape)
    except ValueError as error:  # numpy's own limits, reached by an empty tensor with huge dimensions
        raise ProgramError(f"damaged: tensor {name} has no valid shape") from error


def _bytes(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> int:
    size = dtype.itemsize
    for length in shape:
        size *= length
    return size


def _check_spans(spans: list[tuple[int, int]], size: int) -> None:
    """The tensors fill the file without gap or overlap, as the format demands."""
    end = 0
    for start, stop in spans:
        if start != end:
            raise ProgramError(f"damaged: a tensor starts at byte {start}, expected byte {end}")
        end = stop
    if end != size:
        raise ProgramError(f"damaged: the tensors end at byte {end}, the file at byte {size}")
