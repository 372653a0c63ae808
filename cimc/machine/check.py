"""The check of a program: its outputs must be those of ONNX Runtime, to the last bit."""

import contextlib
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import OrtValue

from cimc.machine.onnx_kernels import plain_session
from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line


@dataclass(frozen=True)
class Comparison:
    """What a comparison found; it is true if all outputs are identical, and that says something.

    As text: the result in one line. Outputs without any values, or with nothing but NaN, are identical, but nothing
    follows from that: see `nothing`.
    """

    values: int
    outputs: int
    difference: str = ""
    """Where outputs differ first, and how; empty if they do not."""
    nans: int = 0
    """How many values of the reference are NaN."""
    rewritten: str = ""
    """What had to be rewritten in the reference, so that its numbers are the same on every processor."""

    @property
    def identical(self) -> bool:
        """Whether every bit is the same."""
        return not self.difference

    @property
    def nothing(self) -> str:
        """Why the comparison says nothing; "" if it says something."""
        if not self.values:
            return f"there is nothing to compare: all {self.outputs} outputs are empty"
        return f"there is nothing to compare: all {self.values} values are NaN" if self.nans == self.values else ""

    def __bool__(self) -> bool:
        return self.identical and not self.nothing

    def __str__(self) -> str:
        rewritten = f" (the reference in exact form: {self.rewritten})" if self.rewritten else ""
        if self.difference or self.nothing:
            return f"check: {self.difference or self.nothing}{rewritten}"
        nans = f" ({self.nans} of them NaN)" if self.nans else ""
        return f"check: identical, {self.values} values{nans} in {self.outputs} outputs{rewritten}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {str(self).removeprefix('check: ')}>"


def compare(outputs: Mapping[str, NDArray[Any]], reference: Mapping[str, NDArray[Any]]) -> Comparison:
    """Compares names, types, shapes and every bit: NaNs must have equal payloads, and -0.0 is not 0.0."""
    values = sum(array.size for array in reference.values())
    differences = (_difference(name, outputs.get(name), reference[name]) for name in reference)
    unknown = (f"output {name} is not in the reference" for name in outputs if name not in reference)
    difference = next(filter(None, [*differences, *unknown]), "")
    nans = sum(int(np.isnan(array).sum()) for array in reference.values() if array.dtype.kind in "fc")
    return Comparison(values, len(reference), difference, nans)


class Reference:
    """An ONNX model (a path, with external data beside it, or bytes) in ONNX Runtime, as it is, to be run often.

    `constants` are the values of external data of a model in bytes; for `packed` see `plain_session`. Raises
    ProgramError, naming the file (or `name`), if ONNX Runtime cannot load or run it.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        constants: Mapping[str, OrtValue] | None = None,
        packed: bool = True,
    ) -> None:
        self.name = name or ("reference" if isinstance(model, bytes) else os.fspath(model))
        with self._naming():
            content = model if isinstance(model, bytes) else os.fspath(model)
            self.session = plain_session(content, constants, packed)
            self.outputs = [output.name for output in self.session.get_outputs()]

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The outputs by name."""
        with self._naming():
            return dict(zip(self.outputs, self.session.run(self.outputs, dict(inputs)), strict=True))

    @contextlib.contextmanager
    def _naming(self) -> Generator[None]:
        try:
            yield
        except Exception as error:  # ONNX Runtime raises many unrelated types
            raise ProgramError(f"{self.name}: ONNX Runtime cannot run the model: {one_line(error)}") from error


def run_reference(model: str | os.PathLike[str] | bytes, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The outputs of an ONNX model; see `Reference`."""
    return Reference(model).run(inputs)


def differing(values: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.bool_]:
    """Which elements of two arrays of one shape and type differ in any bit, as one flat array."""
    if values.dtype.kind in "OSU" or not values.size:
        return np.asarray(values != expected).reshape(-1)
    size = values.dtype.itemsize
    left, right = (np.ascontiguousarray(array).view(np.uint8).reshape(-1, size) for array in (values, expected))
    return (left != right).any(axis=1)


def _difference(name: str, output: NDArray[Any] | None, expected: NDArray[Any]) -> str:
    """How an output differs from the reference, or nothing."""
    if output is None:
        return f"output {name} is missing"
    if output.dtype != expected.dtype:
        return f"output {name} has type {output.dtype}, expected {expected.dtype}"
    if output.shape != expected.shape:
        return f"output {name} has shape {list(output.shape)}, expected {list(expected.shape)}"
    wrong = differing(output, expected)
    count = int(np.count_nonzero(wrong))
    if not count:
        return ""
    first = int(np.argmax(wrong))
    left, right = output.ravel()[first], expected.ravel()[first]
    if str(left) == str(right):  # NaNs with different payloads
        left, right = (f"{value} with bytes {value.tobytes().hex()}" for value in (left, right))
    return (
        f"output {name} differs in {count} of {output.size} values{_distance(output.ravel(), expected.ravel())}, "
        f"first at {[int(i) for i in np.unravel_index(first, output.shape)]}: "
        f"found {left}, expected {right}"
    )


def _distance(values: NDArray[Any], expected: NDArray[Any]) -> str:
    """By how much numbers differ at most, NaNs set aside."""
    if values.dtype.kind not in "iuf":
        return ""
    with np.errstate(invalid="ignore"):  # infinity - infinity
        distances = np.abs(values.astype(np.float64) - expected.astype(np.float64))
    return f" by up to {np.fmax.reduce(distances, initial=0):g}"
