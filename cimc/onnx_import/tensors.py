"""Constants of an ONNX file as numpy arrays: inline, sparse, or mapped from files beside the model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import SparseTensorProto, TensorProto, helper, numpy_helper

from dialects.errors import UserError

Array = npt.NDArray[Any]


def array_of(tensor: TensorProto, file: Path) -> Array:
    """The array of an initializer; external data is mapped, not read.

    Raises UserError where the data is missing, too short, or outside the model's folder.
    """
    if tensor.data_location == TensorProto.EXTERNAL:
        return _mapped(tensor, file)
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{file}: initializer {tensor.name!r} is damaged: {error}") from error


def _mapped(tensor: TensorProto, file: Path) -> Array:
    entries: Mapping[str, str] = {entry.key: entry.value for entry in tensor.external_data}
    what = f"{file}: initializer {tensor.name!r}"
    path = _inside(file, entries.get("location", ""), what)
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
    if tensor.data_type in _PACKED:
        raise UserError(f"{what} has external data of a type below 8 bits, which is not supported: store it inline")
    offset = entries.get("offset", "0")
    if not offset.isdecimal():
        raise UserError(f"{what} has external data at offset {offset!r}: expected a number from 0 on")
    offset, size = int(offset), int(np.prod(tensor.dims)) * dtype.itemsize
    if not path.is_file():
        raise UserError(f"{what} needs the file {path.name}, which is not beside the model: copy it there")
    if offset + size > path.stat().st_size:
        raise UserError(
            f"{what} needs bytes {offset} to {offset + size} of {path.name}, which has {path.stat().st_size}"
        )
    if not size:
        return np.zeros(tuple(tensor.dims), dtype)
    return np.memmap(path, np.uint8, "r", offset, (size,)).view(dtype).reshape(tuple(tensor.dims))


_PACKED = (TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1, TensorProto.INT2, TensorProto.UINT2)


def _inside(file: Path, location: str, what: str) -> Path:
    """The path of external data, which has to lie in the model's folder or below."""
    folder = file.resolve().parent
    path = (folder / location).resolve()
    if not location or folder not in path.parents:
        raise UserError(f"{what} names external data {location!r} outside the model's folder, which is refused")
    return path


def dense_of(sparse: SparseTensorProto, file: Path) -> Array:
    """A sparse initializer as a full array."""
    values, indices = array_of(sparse.values, file), array_of(sparse.indices, file)
    dense = np.zeros(tuple(sparse.dims), values.dtype)
    try:
        if indices.ndim == 1:
            dense.reshape(-1)[indices] = values
        else:
            dense[tuple(indices.T)] = values
    except IndexError as error:
        raise UserError(f"{file}: sparse initializer {sparse.values.name!r} has {error}") from error
    return dense
