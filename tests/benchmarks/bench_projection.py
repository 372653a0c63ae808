"""How long it takes to project all 96 matrices of GPT-2-medium (302 million weights, here random)."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from passes.project_monarch.analysis.monarch_calibration import project_calibrated
from passes.project_monarch.analysis.monarch_choice import choose, paper_blocking
from passes.project_monarch.analysis.monarch_projection import Blocking, blocking, project, relative_error

AddRow = Callable[..., None]
LAYERS = 24
SHAPES = ((1024, 3072), (1024, 1024), (1024, 4096), (4096, 1024))
CLOSED_FORM = "the closed form, 32 blocks"
WAYS: dict[str, Callable[[int, int], Blocking]] = {
    "32 blocks": lambda inputs, outputs: blocking(inputs, outputs, 32),
    "64 blocks": lambda inputs, outputs: blocking(inputs, outputs, 64),
    "padded to squares": paper_blocking,
    "padded, then trimmed": lambda inputs, outputs: paper_blocking(inputs, outputs).trimmed(inputs, outputs),
}


def layers() -> list[npt.NDArray[Any]]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape, np.float32) for shape in SHAPES]


def svd_seconds(matrix: npt.NDArray[Any], into: Blocking) -> float:
    """CPU seconds of numpy's own decomposition of all slices of a matrix, as often as there are layers."""
    padded = np.zeros((into.inputs, into.outputs), np.float32)
    padded[: matrix.shape[0], : matrix.shape[1]] = matrix
    slices = padded.reshape(into.blocks_in, into.rows, into.columns, into.blocks_out).transpose(0, 3, 1, 2)
    start = time.process_time()
    np.linalg.svd(slices, full_matrices=False)
    return LAYERS * (time.process_time() - start)


def closed_form_seconds() -> float:
    """CPU seconds of projecting into 32 blocks, for all layers."""
    matrices = layers()
    start = time.process_time()
    for matrix in matrices:
        project(matrix, WAYS["32 blocks"](*matrix.shape))
    return LAYERS * (time.process_time() - start)


@pytest.mark.parametrize("way", WAYS)
def test_project_gpt2_medium(way: str, row: AddRow) -> None:
    seconds = 0.0
    for matrix in layers():
        into = WAYS[way](*matrix.shape)
        start = time.process_time()
        found = [project(matrix, into) for _ in range(LAYERS)]
        seconds += time.process_time() - start
        assert relative_error(matrix, *found[0]) < 1
    numpy_seconds = sum(svd_seconds(matrix, WAYS[way](*matrix.shape)) for matrix in layers())
    name, against = f"project GPT-2-medium, {way}", "numpy.linalg.svd of the same slices"
    row(name, seconds=seconds, ratio=seconds / 60, against="60 s of CPU", target=1)
    row(name, seconds=seconds, ratio=seconds / numpy_seconds, against=against)


def test_project_calibrated(row: AddRow) -> None:
    rng = np.random.default_rng(1)
    seconds = 0.0
    for matrix in layers():
        inputs, outputs = matrix.shape
        x = rng.standard_normal((2048, inputs // 8)) @ rng.standard_normal((inputs // 8, inputs))
        moment = x.T @ x / len(x)
        start = time.process_time()
        found = project_calibrated(matrix, moment, blocking(inputs, outputs, 32))
        seconds += LAYERS * (time.process_time() - start)
        assert found.output_error < found.closed_form_output_error
    name = f"project GPT-2-medium, 32 blocks, calibrated (one layer, {LAYERS} times)"
    row(name, seconds=seconds, ratio=seconds / closed_form_seconds(), against=CLOSED_FORM)


@pytest.mark.parametrize("budget", [0.1, 0.5])
def test_choose(budget: float, row: AddRow) -> None:
    start = time.process_time()
    found = [choose(matrix, budget) for matrix in layers()]
    seconds = LAYERS * (time.process_time() - start)
    assert len(found) == len(SHAPES)
    name = f"choose for GPT-2-medium, budget {budget} (one layer, {LAYERS} times)"
    row(name, seconds=seconds, ratio=seconds / closed_form_seconds(), against=CLOSED_FORM)
