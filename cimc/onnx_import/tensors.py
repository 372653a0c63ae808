"""Constants of an ONNX file as numpy arrays: inline, sparse, or mapped from files beside the model.

Numbers of less than 8 bits are unpacked, and so in memory.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper

from dialects.errors import UserError

Array = npt.NDArray[Any]

LARGEST_DIMENSION = (1 << 31) - 1
"""No tensor is longer than this in one direction: greater numbers are damaged, and products of them overflow."""
MOST_DIMENSIONS = 64
"""What numpy arrays can have."""
_ELEMENT_TYPES = frozenset(TensorProto.DataType.values()) - {TensorProto.UNDEFINED}
_LARGEST_SPARSE = 1 << 32
"""Elements of a sparse tensor with its zeros."""


def array_of(tensor: TensorProto, file: Path) -> Array:
    """The array of an initializer; external data is mapped, not read, but for that of less than 8 bits.

    Raises UserError where the data is missing, too short, outside the model's folder, or not what its type and shape
    demand.
    """
    subject = f"{file}: initializer {tensor.name!r}"
    if tensor.data_type not in _ELEMENT_TYPES:
        raise UserError(f"{subject} has element type {tensor.data_type}, which ONNX does not have")
    for size in tensor.dims:
        if not 0 <= size <= LARGEST_DIMENSION:
            raise UserError(f"{subject} has a dimension of {size}: expected 0 to {LARGEST_DIMENSION}")
    if len(tensor.dims) > MOST_DIMENSIONS:
        raise UserError(f"{subject} has {len(tensor.dims)} dimensions: expected at most {MOST_DIMENSIONS}")
    if tensor.data_location == TensorProto.EXTERNAL:
        return _mapped(tensor, file, subject)
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
        raise UserError(f"{subject} is damaged: {' '.join(str(error).split())}") from error


def _mapped(tensor: TensorProto, file: Path, subject: str) -> Array:
    entries: Mapping[str, str] = {str(entry.key): str(entry.value) for entry in tensor.external_data}
    path = _inside(file, entries.get("location", ""), subject)
    if tensor.data_type == TensorProto.STRING:
        raise UserError(f"{subject} has external data of texts, which is not supported: store it inline")
    dtype, bits = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type)), _PACKED.get(tensor.data_type, 0)
    count = math.prod(tensor.dims)
    offset, size = _number(entries, "offset", subject) or 0, -(-count * bits // 8) if bits else count * dtype.itemsize
    length = _number(entries, "length", subject)
    if length is not None and length != size:
        shape = "x".join(map(str, tensor.dims)) or "a scalar"
        raise UserError(f"{subject} has external data of length {length}: {shape} of {dtype.name} are {size} bytes")
    if not path.is_file():
        raise UserError(f"{subject} needs the file {path.name}, which is not beside the model: copy it there")
    if offset + size > path.stat().st_size:
        raise UserError(
            f"{subject} needs bytes {offset} to {offset + size} of {path.name}, which has {path.stat().st_size}"
        )
    if not size:
        return np.zeros(tuple(tensor.dims), dtype)
    content = np.memmap(path, np.uint8, "r", offset, (size,))
    return _unpacked(tensor, content) if bits else content.view(dtype).reshape(tuple(tensor.dims))


def _unpacked(tensor: TensorProto, content: Array) -> Array:
    """Numbers that lie in bytes by twos or fours, each in a byte of memory."""
    inline = TensorProto(data_type=tensor.data_type, dims=tensor.dims, raw_data=content.tobytes())
    return numpy_helper.to_array(inline)


def _number(entries: Mapping[str, str], key: str, subject: str) -> int | None:
    """The bytes that external data names as its offset or length; None where it names none."""
    written = entries.get(key)
    if written is None:
        return None
    if not written.isdecimal() or len(written) > _DIGITS:
        position = "at offset" if key == "offset" else "of length"
        raise UserError(f"{subject} has external data {position} {written[:_DIGITS]!r}: expected a number from 0 on")
    return int(written)


_DIGITS = 19
"""Digits of the largest number of bytes that a file can have."""
_PACKED: Mapping[int, int] = {
    TensorProto.INT4: 4,
    TensorProto.UINT4: 4,
    TensorProto.FLOAT4E2M1: 4,
    TensorProto.INT2: 2,
    TensorProto.UINT2: 2,
}
"""Bits of the types of which several numbers lie in a byte."""


def _inside(file: Path, location: str, subject: str) -> Path:
    """The path of external data, which has to lie in the model's folder or below."""
    folder = file.resolve().parent
    try:
        path = (folder / location).resolve()
        inside = bool(location) and folder in path.parents
        path.is_file()
    except (OSError, ValueError, RuntimeError):  # no name that a file can have, or links in a circle
        inside, path = False, folder
    if not inside:
        raise UserError(f"{subject} names external data {location!r} outside the model's folder, which is refused")
    return path


def dense_of(sparse: SparseTensorProto, file: Path) -> Array:
    """A sparse initializer as a full array."""
    values, indices = array_of(sparse.values, file), array_of(sparse.indices, file)
    subject = f"{file}: sparse initializer {sparse.values.name!r}"
    sizes = tuple(sparse.dims)
    if not all(0 <= size <= LARGEST_DIMENSION for size in sizes) or math.prod(sizes) > _LARGEST_SPARSE:
        raise UserError(f"{subject} has the shape {list(sizes)}: expected at most {_LARGEST_SPARSE} elements")
    dense = np.zeros(sizes, values.dtype)
    try:
        if indices.ndim == 1:
            dense.reshape(-1)[indices] = values
        else:
            dense[tuple(indices.T)] = values
    except (IndexError, ValueError) as error:
        raise UserError(f"{subject} has {error}") from error
    return dense
