"""How far the compiled network is from the original: cosine and largest difference of their outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import ModelProto

from cimc.translation_validation import cosine
from dialects.element_types import Array
from dialects.semantics.onnx_runtime import GraphError, run_graph


@dataclass(frozen=True)
class Distance:
    """The compiled network against the original on some inputs.

    `cosine` and `largest` are those of the worst output of floats (1 and 0 if all are equal); `failure` says why
    they could not be compared, None if they could.
    """

    identical: bool
    cosine: float = 1.0
    largest: float = 0.0
    output: str = ""
    failure: str | None = None

    def __str__(self) -> str:
        if self.failure is not None:
            return f"not measured: {self.failure}"
        if self.identical:
            return "identical to the original, bit for bit"
        figures = f"cosine {self.cosine:.6f}, largest difference {self.largest:.3g}"
        return f"{figures} from the original (output {self.output!r})"


def distance_to_original(file: Path, network: ModelProto, inputs: Mapping[str, Array]) -> Distance:
    """Run both networks in ONNX Runtime on the same inputs and compare their outputs."""
    try:
        expected = run_graph(str(file), inputs)
        found = run_graph(network, inputs)
    except GraphError as error:
        return Distance(False, failure=str(error))
    if all(_same(found[name], expected[name]) for name in expected):
        return Distance(True)
    return min((_distance(name, found[name], expected[name]) for name in expected), key=lambda d: d.cosine)


def _same(found: Array, expected: Array) -> bool:
    return (found.dtype, found.shape) == (expected.dtype, expected.shape) and found.tobytes() == expected.tobytes()


def _distance(name: str, found: Array, expected: Array) -> Distance:
    if found.shape != expected.shape or found.dtype.kind not in "iufb":
        return Distance(False, 1.0 if _same(found, expected) else 0.0, float("inf"), name)
    difference = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    return Distance(False, cosine(found, expected), float(np.max(difference, initial=0.0)), name)
