"""Calibration inputs as a Python program has them: a path, arrays by name, one array, or an iterable of samples."""

import contextlib
import os
import tempfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import onnx
from numpy.typing import NDArray

from cimc.machine.inputs import write_arrays
from cimc.program.one_line import brief
from dialects.errors import UserError

Sample: TypeAlias = np.ndarray | Mapping[str, np.ndarray]
"""One array for each input, by its name, or the array alone where a network has one input."""
Calibration: TypeAlias = str | os.PathLike[str] | Sample | Iterable[Sample]
"""An .npz file, or what it would hold, or samples that are joined along their first dimension."""
Samples: TypeAlias = Path | dict[str, NDArray[Any]] | None
"""Calibration inputs by their file, or as arrays by name."""
NAME = "calibration.npz"
SHOWN = "calibrate"
"""What messages about inputs in memory begin with."""


def samples_of(calibrate: Calibration | None, model: Path) -> Samples:
    """What calibration inputs are: a file, or arrays by name.

    Raises UserError for samples of other names or shapes than the first, or what is none; `model` is the network's
    file, from which a single array has its name.
    """
    if calibrate is None or isinstance(calibrate, str | os.PathLike):
        return None if calibrate is None else Path(calibrate)
    return _joined([_named(sample, model, f"{SHOWN}{place}") for place, sample in _samples(calibrate)])


@contextlib.contextmanager
def calibration_file(samples: Samples) -> Generator[Path | None]:
    """The .npz file of calibration inputs, there until the context is left; messages about it name the argument."""
    if samples is None or isinstance(samples, Path):
        yield samples
        return
    with tempfile.TemporaryDirectory(prefix="cimc-") as folder:
        file = Path(folder, NAME)
        write_arrays(file, samples)
        try:
            yield file
        except UserError as error:
            raise UserError(str(error).replace(os.fspath(file), SHOWN)) from error


def _samples(calibrate: object) -> list[tuple[str, object]]:
    """The samples, each with its place among several."""
    if isinstance(calibrate, np.ndarray | Mapping):
        return [("", cast(object, calibrate))]
    if not isinstance(calibrate, Iterable):
        raise UserError(f"{SHOWN} is of type {type(calibrate).__qualname__}: {_EXPECTED}")
    samples = [(f"[{i}]", sample) for i, sample in enumerate(cast(Iterable[object], calibrate))]
    if not samples:
        raise UserError(f"{SHOWN} holds no samples: expected at least one (an iterator gives its samples only once)")
    return samples


_EXPECTED = "expected the path of an .npz file, a dictionary of arrays by name, an array, or an iterable of such"


def _named(sample: object, model: Path, subject: str) -> dict[str, NDArray[Any]]:
    """A sample as arrays by name."""
    if isinstance(sample, Mapping):
        items = cast(Mapping[object, object], sample).items()
        return {str(name): _array(value, f"{subject}[{name!r}]") for name, value in items}
    if not hasattr(sample, "__array__"):
        raise UserError(f"{subject} is of type {type(sample).__qualname__}: {_EXPECTED}")
    names = _inputs_of(model)
    if names is not None and len(names) != 1:
        inputs = ", ".join(names) or "none"
        raise UserError(f"{subject} is a single array: expected one for each input, by its name: {inputs}")
    return {name: _array(sample, subject) for name in names or ()}


def _array(value: object, subject: str) -> NDArray[Any]:
    try:
        return np.asarray(value)
    except Exception as error:  # whatever object it is raises what it likes
        raise UserError(f"{subject}: numpy makes no array of it: {brief(error)}") from error


def _inputs_of(model: Path) -> list[str] | None:
    """The names of a network's inputs; None for a file that cannot be read, which the compiler says better."""
    try:
        graph = onnx.load_model_from_string(model.read_bytes()).graph
    except Exception:
        return None
    constants = {tensor.name for tensor in graph.initializer}
    return [entry.name for entry in graph.input if entry.name not in constants]


def _joined(samples: Sequence[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The samples one after the other along the first dimension."""
    first = samples[0]
    if len(samples) == 1:
        return dict(first)
    for place, sample in enumerate(samples):
        if sample.keys() != first.keys():
            names, expected = (", ".join(entry) or "none" for entry in (sample, first))
            raise UserError(f"{SHOWN}[{place}] has arrays for {names}, and the first for {expected}: expected the same")
        for name, array in sample.items():
            if not array.ndim or array.shape[1:] != first[name].shape[1:] or array.dtype != first[name].dtype:
                raise UserError(
                    f"{SHOWN}[{place}][{name!r}] is {_type(array)}, and the first is {_type(first[name])}: samples are "
                    "joined along their first dimension, expected all else to be the same"
                )
    return {name: np.concatenate([sample[name] for sample in samples]) for name in first}


def _type(array: NDArray[Any]) -> str:
    return f"{array.dtype}{list(array.shape)}"
