"""The inputs of a run: checked against what the program takes, or made up from random numbers."""

import math
import os
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from cimc.files.reasons import reason
from cimc.program.dimension_sums import size_of
from cimc.program.errors import ProgramError
from cimc.program.metadata import Input, Shape
from cimc.program.open_sizes import side_of, sides

DEFAULT_LENGTHS = (1, 16)
"""Random inputs: length of a symbolic dimension that comes first in its input, and of any other."""
ATTENTION_MASKS = ("attention_mask", "input_mask")
"""How inputs are called that say which tokens are seen: where made-up ones hid some, a row could see none."""
MOST_ELEMENTS = 1 << 28
"""Of a random input."""


def check_inputs(
    expected: Sequence[Input], inputs: Mapping[str, NDArray[Any]], initializers: Collection[str] = ()
) -> dict[str, NDArray[Any]]:
    """The inputs as contiguous arrays.

    Raises ProgramError if one is missing or unknown, or has another dtype or shape than the program takes, or if it is
    one of the `initializers` of the network.
    """
    names = dict.fromkeys(value.name for value in expected)
    for name in inputs:
        if name in initializers and name not in names:
            raise ProgramError(
                f"input {name} is an initializer of the network, whose value is part of the program: "
                f"leave it out, or compile the network with another value; the program takes {_list(names)}"
            )
        if name not in names:
            raise ProgramError(f"input {name} is unknown, the program takes {_list(names)}")
    missing = [name for name in names if name not in inputs]
    if missing:
        raise ProgramError(f"input {missing[0]} is missing, the program takes {_list(names)}")
    arrays = {name: np.asarray(inputs[name]) for name in names}
    lengths: dict[str, tuple[int, str]] = {}
    for value in expected:
        _check_dtype(value, arrays[value.name])
        _check_shape(value, arrays[value.name].shape, lengths)
    return {name: _contiguous(array) for name, array in arrays.items()}


def _contiguous(array: NDArray[Any]) -> NDArray[Any]:
    return array if array.flags.c_contiguous else np.ascontiguousarray(array).reshape(array.shape)


def read_inputs(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file; raises ProgramError, naming the file, if it is none."""
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):
                raise ProgramError(f"{name}: not an .npz file: expected arrays saved by numpy.savez")
        with np.load(path, allow_pickle=False) as archive:
            return {key: _array(archive[key]) for key in archive.files}
    except OSError as error:
        raise ProgramError(f"{name}: cannot be read: {reason(error)}") from error
    except ProgramError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise many unrelated types for a damaged file
        raise ProgramError(f"{name}: not an .npz file with inputs: {error}") from error


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes an .npz file of arrays of any name, texts included, which `numpy.savez` does not do."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                npy.write_array(file, array.astype(np.str_) if array.dtype.hasobject else array, allow_pickle=False)


def _array(content: object) -> NDArray[Any]:
    if not isinstance(content, np.ndarray):  # numpy hands out the bytes of files that are no arrays
        raise ValueError("it holds files that are no arrays")
    return cast(NDArray[Any], content)


def random_inputs(
    inputs: Sequence[Input], seed: int = 0, dims: Mapping[str, int] | None = None
) -> dict[str, NDArray[Any]]:
    """Made-up inputs: integers from the range it names, or else [0, 2); standard normal floats; empty texts.

    Of an attention mask, all is seen. `dims` gives symbolic dimensions by name; see DEFAULT_LENGTHS for the others, and
    SIDES in cimc/program/open_sizes.py for those that windows slide over. A
    dimension whose name is a sum of others, as `past + sequence`, is their sum. Raises ProgramError if it names one
    that no input has, or for an input with too many elements, or with a type or a range that
    numpy does not know.
    """
    named = {dim for value in inputs for dim in value.shape or () if isinstance(dim, str)}
    for name in dims or {}:
        if name not in named:
            raise ProgramError(f"dimension {name} is unknown, the inputs have {_list(sorted(named))}")
    lengths = {**sides(inputs), **(dims or {})}
    generator = np.random.default_rng(seed)
    return {value.name: _random(value, _lengths(value, lengths, named), generator) for value in inputs}


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _check_dtype(value: Input, array: NDArray[Any]) -> None:
    dtype = _dtype_name(array.dtype)
    if dtype != value.dtype:
        raise ProgramError(f"input {value.name} has type {dtype}, expected {value.dtype}")


@cache
def _dtype_name(dtype: np.dtype[Any]) -> str:
    return "string" if dtype.kind in "OSU" else dtype.name


def _check_shape(value: Input, shape: tuple[int, ...], lengths: dict[str, tuple[int, str]]) -> None:
    """Checks a shape; `lengths` collects the length of every symbolic dimension and the input that brought it."""
    if value.shape is None:
        return
    expected = value.shape
    if len(shape) != len(expected):
        raise ProgramError(_misshapen(value.name, shape, expected))
    for length, dim in zip(shape, expected):
        if isinstance(dim, int) and length != dim:
            raise ProgramError(_misshapen(value.name, shape, expected))
        if isinstance(dim, str):
            known, origin = lengths.setdefault(dim, (length, value.name))
            if length != known:
                message = _misshapen(value.name, shape, expected)
                raise ProgramError(f"{message} where {dim} is {known} in input {origin}")


def _misshapen(name: str, shape: tuple[int, ...], expected: Shape) -> str:
    return f"input {name} has shape {_shape(shape)}, expected {_shape(expected)}"


def _shape(dims: Iterable[int | str | None]) -> str:
    return "[" + ", ".join("?" if dim is None else str(dim) for dim in dims) + "]"


def _lengths(value: Input, lengths: dict[str, int], named: Collection[str]) -> list[int]:
    """The shape of a random input; a named dimension gets its length where it first appears."""
    if value.shape is None:
        raise ProgramError(f"input {value.name} may have any number of dimensions: no random values, give some")
    shape: list[int] = []
    for position, dim in enumerate(value.shape):
        default = side_of(value) if position in value.slides else DEFAULT_LENGTHS[min(position, 1)]
        if isinstance(dim, str):
            shape.append(_length(dim, lengths, named, default))
        else:
            shape.append(default if dim is None else dim)
    return shape


def _length(name: str, lengths: dict[str, int], named: Collection[str], default: int) -> int:
    if name not in lengths:
        lengths[name] = size_of(name, named, lambda part: lengths.setdefault(part, default))
    return lengths[name]


def _random(value: Input, shape: list[int], generator: np.random.Generator) -> NDArray[Any]:
    if math.prod(max(1, length) for length in shape) > MOST_ELEMENTS:
        raise ProgramError(f"input {value.name} has shape {_shape(shape)}: too many random values, give some")
    if value.dtype == "string":
        return np.full(shape, "", np.object_)
    try:
        dtype = np.dtype(value.dtype)
        if dtype.kind not in "biufc" and dtype.isbuiltin != 2:  # 2: the small floats and integers of ml_dtypes
            raise TypeError(f"{dtype} is no type of numbers")
        if dtype.kind in "biu":
            low, high = _range(value)
            return _integers(value, low, high, shape, generator).astype(dtype)
        return generator.standard_normal(shape).astype(dtype)
    except (TypeError, ValueError) as error:
        raise ProgramError(f"input {value.name} has type {value.dtype}: no random values, give some") from error


def _range(value: Input) -> tuple[int, int]:
    """[low, high) of made-up integers."""
    if value.low is None and any(name in value.name for name in ATTENTION_MASKS):
        return 1, 2
    low = 0 if value.low is None else value.low
    return low, low + 2 if value.high is None else value.high


def _integers(
    value: Input, low: int, high: int, shape: list[int], generator: np.random.Generator
) -> NDArray[np.integer]:
    try:
        return generator.integers(low, high, shape)
    except ValueError as error:
        raise ProgramError(f"input {value.name} has integers from {low} to {high - 1}: give some") from error
