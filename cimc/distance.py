"""How far the compiled network is from the original: cosine and largest difference of their outputs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cimc.machine import stoppable
from cimc.original import run_original
from cimc.program.errors import ProgramError
from cimc.program.one_line import one_line
from cimc.translation_validation import cosine
from dialects.element_types import Array
from dialects.errors import UserError
from dialects.semantics import onnx_runtime
from dialects.semantics.onnx_runtime import GraphError, run_graph
from dialects.semantics.outlined import OutlinedModel

MEASURING_SECONDS = 20.0
"""How long each of the two networks may run, where nothing else is said."""
LARGEST = 1 << 30
"""Bytes of large constants of a network that is compared: its original takes up to four times as much, in memory."""
PACKED_BYTES = 1 << 24
"""Weights of more bytes than this are not packed for the one run: it takes longer than the run itself, and memory."""


@dataclass(frozen=True)
class Distance:
    """The compiled network against the original on some inputs.

    `cosine` is that of the output where it is least, `largest` the largest difference of all outputs, each over the
    values that are finite in both. `others` says what else differs; `failure` why nothing could be compared.
    """

    identical: bool
    cosine: float = 1.0
    largest: float = 0.0
    cosine_output: str = ""
    largest_output: str = ""
    others: tuple[str, ...] = ()
    rewritten: str = ""
    """What was rewritten in the original, so that its numbers are the same on every processor."""
    failure: str | None = None

    def __str__(self) -> str:
        if self.failure is not None:
            return f"not measured: {self.failure}"
        rewritten = f" ({self.rewritten})" if self.rewritten else ""
        if self.identical:
            return f"identical to the original, bit for bit{rewritten}"
        return f"{self._figures()}{''.join(f'; {other}' for other in self.others)}{rewritten}"

    def _figures(self) -> str:
        least, largest = f"cosine {self.cosine:.6f}", f"largest difference {self.largest:.3g}"
        if self.cosine_output == self.largest_output:
            where = f" (output {self.largest_output!r})" if self.largest_output else ""
            return f"{least}, {largest} from the original{where}"
        return f"{least} (output {self.cosine_output!r}), {largest} from the original (output {self.largest_output!r})"


def distance_to_original(
    file: Path, network: OutlinedModel, inputs: Mapping[str, Array], seconds: float = MEASURING_SECONDS
) -> Distance:
    """Run both networks in ONNX Runtime on the same inputs, the original in exact form, and compare their outputs.

    Not those of networks that would not fit into the memory of a usual machine.
    """
    if network.nbytes > LARGEST:
        size = f"the constants take {network.nbytes / 1e9:.1f} GB, {LARGEST / 1e9:.1f} GB are compared at most"
        return Distance(False, failure=f"{size}: cim-run --check compares with the original")
    distance = _measured(file, network, inputs, seconds, network.nbytes <= PACKED_BYTES)
    if distance.identical and network.nbytes > PACKED_BYTES:  # which is said of networks as they run everywhere else
        return _measured(file, network, inputs, seconds, packed=True)
    return distance


def _measured(
    file: Path, network: OutlinedModel, inputs: Mapping[str, Array], seconds: float, packed: bool
) -> Distance:
    try:
        with stoppable.time_limit(seconds), onnx_runtime.time_limit(seconds):
            expected, rewritten = stoppable.stoppable(lambda _: run_original(file, inputs, packed))
            outputs = run_graph(network, inputs, packed)
    except (stoppable.TooLong, onnx_runtime.TooLong):
        return Distance(False, failure=f"took longer than {seconds:g} s")
    except (GraphError, ProgramError, UserError) as error:
        return Distance(False, failure=one_line(error))
    return distance_of(outputs, expected, rewritten)


def distance_of(outputs: Mapping[str, Array], expected: Mapping[str, Array], rewritten: str = "") -> Distance:
    """The distance between outputs of the same names."""
    differing = [name for name in expected if not _same(outputs[name], expected[name])]
    if not differing:
        return Distance(True, rewritten=rewritten)
    for name in differing:
        if outputs[name].shape != expected[name].shape:
            shapes = f"{list(outputs[name].shape)}, the original's {list(expected[name].shape)}"
            return Distance(False, failure=f"output {name!r} has shape {shapes}")
    others = tuple(_others(differing, outputs, expected))
    numbers = {name: _finite(outputs[name], expected[name]) for name in differing if _is_numeric(expected[name])}
    cosines = {name: cosine(a, b) for name, (a, b) in numbers.items() if expected[name].dtype.kind == "f"}
    largest = {name: float(np.max(np.abs(a - b), initial=0.0)) for name, (a, b) in numbers.items()}
    least, most = min(cosines, key=cosines.__getitem__, default=""), max(largest, key=largest.__getitem__, default="")
    return Distance(
        False, cosines.get(least, 1.0), largest.get(most, 0.0), least or most, most or least, others, rewritten
    )


def _others(names: Iterable[str], outputs: Mapping[str, Array], expected: Mapping[str, Array]) -> Iterable[str]:
    """What the two figures do not say: texts that differ, and values that are finite in one of the two only."""
    for name in names:
        a, b = outputs[name], expected[name]
        if not _is_numeric(b):
            yield f"{np.count_nonzero(a != b)} of {b.size} values of output {name!r} differ"
        elif b.dtype.kind == "f":
            odd = np.isfinite(a) != np.isfinite(b)
            odd |= ~np.isfinite(b) & ~np.isnan(b) & (a != b)
            if odd.any():
                yield f"{np.count_nonzero(odd)} of {b.size} values of output {name!r} are infinite or NaN in one only"


def _finite(output: Array, expected: Array) -> tuple[Array, Array]:
    """Both as float64, without the values that are infinite or NaN in one of them."""
    a, b = output.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
    both = np.isfinite(a) & np.isfinite(b)
    return a[both], b[both]


def _is_numeric(array: Array) -> bool:
    return array.dtype.kind in "iufb"


def _same(output: Array, expected: Array) -> bool:
    if (output.dtype, output.shape) != (expected.dtype, expected.shape):
        return False
    return bool((output == expected).all()) if output.dtype.hasobject else output.tobytes() == expected.tobytes()
