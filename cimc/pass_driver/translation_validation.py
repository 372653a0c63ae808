"""Checks that a pass kept the network's meaning: runs the module before and after it and compares the outputs."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from onnx import ModelProto
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.pass_driver.pipeline import Exactness, exactness_of
from dialects.element_types import Array
from dialects.errors import UserError
from dialects.network import Network
from dialects.semantics.onnx_graph import network_model
from dialects.semantics.onnx_runtime import GraphError, run_graph
from dialects.weights import WeightStore

ROUNDING_LIMIT = 1e-3
"""Largest difference, relative to the largest output, that another order of float additions may make."""
LEAST_COSINE = 0.9
"""Outputs that quantisation turns further away than this are worth a remark: no mistake of a pass, but too few bits."""


def _print_remark(text: str) -> None:
    print(f"cimc: note: {text}", file=sys.stderr)


@dataclass
class TranslationValidator:
    """An `AfterPass` callback that raises AssertionError when a pass changed more than it may.

    How far numbers of few bits may be from floats is no matter of right and wrong; `remark` is told where that is far.
    """

    store: WeightStore
    inputs: Mapping[str, Array]
    remark: Callable[[str], None] = _print_remark
    _outputs: dict[str, Array] = field(default_factory=dict[str, Array])

    def __call__(self, done: ModulePass | None, module: ModuleOp) -> None:
        try:
            model = network_model(Network(module, self.store))
            outputs = run_graph(model, self.inputs)
        except GraphError as error:
            where = "the imported network" if done is None else f"the network after {done.name}"
            raise UserError(f"--verify-each: {where} does not run: {error}") from error
        if done is None:
            self._check_that_they_tell({name: array for name, array in outputs.items() if not _is_empty(model, name)})
        else:
            exactness = exactness_of(done)
            for name, expected in self._outputs.items():
                wrong = difference(outputs[name], expected, exactness)
                assert wrong is None, f"{done.name} changed output {name!r}: {wrong}, may change {exactness.value}"
                if exactness is Exactness.QUANTIZING:
                    self._remark_similarity(done.name, name, _similarity(outputs[name], expected))
        self._outputs = outputs

    def _check_that_they_tell(self, outputs: Mapping[str, Array]) -> None:
        nothing = nothing_in(outputs) if outputs else ""  # a network of empty outputs has nothing else to be compared
        if nothing:
            raise UserError(
                f"--verify-each: there is nothing to compare: {nothing}: give other inputs with --calibrate"
            )

    def _remark_similarity(self, done: str, output: str, similarity: float) -> None:
        if similarity < LEAST_COSINE:
            self.remark(
                f"--verify-each: after {done}, output {output!r} has cosine {similarity:.4f} with what it was: "
                "its weights or activations have a wider range than their bits can tell apart"
            )


def nothing_in(outputs: Mapping[str, Array]) -> str:
    """Why outputs of a network say nothing that others could be compared with; "" if they say something."""
    if not any(array.size for array in outputs.values()):
        return "all outputs are empty"
    if not any(np.isfinite(array).any() if array.dtype.kind == "f" else array.size for array in outputs.values()):
        return "no value of the outputs is finite"
    return ""


def difference(output: Array, expected: Array, exactness: Exactness) -> str | None:
    """How two outputs differ by more than `exactness` allows; None if they do not."""
    if output.shape != expected.shape or output.dtype != expected.dtype:
        return f"{output.dtype}{output.shape} instead of {expected.dtype}{expected.shape}"
    if output.tobytes() == expected.tobytes() or (expected.dtype.kind == "O" and (output == expected).all()):
        return None
    if exactness is Exactness.PROJECTING:
        return None if np.isfinite(output).all() or not np.isfinite(expected).all() else "it is no longer finite"
    if exactness is Exactness.EXACT or expected.dtype.kind not in "f":
        return f"{np.count_nonzero(output != expected)} of {output.size} values differ"
    finite = np.isfinite(expected)
    if not np.array_equal(output[~finite], expected[~finite], equal_nan=True) or not np.isfinite(output[finite]).all():
        return "other values are infinite or no number"
    output, expected = output[finite], expected[finite]
    if exactness is Exactness.ROUNDING:
        error = relative_difference(output, expected)
        return None if error <= ROUNDING_LIMIT else f"differs by {error:.1e} of the largest value"
    return None


def _similarity(output: Array, expected: Array) -> float:
    """Cosine of the finite values of two arrays of one shape; 1 for what are no floats."""
    if expected.dtype.kind != "f":
        return 1.0
    finite = np.isfinite(expected) & np.isfinite(output)
    return cosine(output[finite], expected[finite])


def relative_difference(values: Array, expected: Array) -> float:
    """Largest difference of two float arrays, relative to the largest magnitude of `expected`."""
    scale = float(np.max(np.abs(expected, dtype=np.float64), initial=0.0))
    return float(np.max(np.abs(values.astype(np.float64) - expected), initial=0.0)) / (scale or 1.0)


def cosine(a: Array, b: Array) -> float:
    """Cosine of the angle between two arrays taken as vectors; 1 for two zero vectors."""
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    norm = float(np.linalg.norm(x) * np.linalg.norm(y))
    return 1.0 if norm == 0 and not x.any() and not y.any() else float(x @ y) / (norm or 1.0)


def _is_empty(model: ModelProto, output: str) -> bool:
    """Whether an output is empty whatever the inputs are."""
    (type_,) = (value.type for value in model.graph.output if value.name == output)
    return any(dim.HasField("dim_value") and dim.dim_value == 0 for dim in type_.tensor_type.shape.dim)
