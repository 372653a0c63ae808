"""How long it takes to project all 96 matrices of GPT-2-medium (302 million weights, here random)."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from passes.analysis.monarch_calibration import project_calibrated, second_moment
from passes.analysis.monarch_choice import choose, paper_blocking
from passes.analysis.monarch_projection import Blocking, blocking, project, relative_error

LAYERS = 24
SHAPES = ((1024, 3072), (1024, 1024), (1024, 4096), (4096, 1024))
WAYS: dict[str, Callable[[int, int], Blocking]] = {
    "32 blocks": lambda inputs, outputs: blocking(inputs, outputs, 32),
    "64 blocks": lambda inputs, outputs: blocking(inputs, outputs, 64),
    "padded to squares": paper_blocking,
    "padded, then trimmed": lambda inputs, outputs: paper_blocking(inputs, outputs).trimmed(inputs, outputs),
}


def layers() -> list[npt.NDArray[Any]]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape, np.float32) for shape in SHAPES]


@pytest.mark.parametrize("way", WAYS)
def test_project_gpt2_medium(way: str):
    cpu = wall = 0.0
    for matrix in layers():
        into = WAYS[way](*matrix.shape)
        start = time.process_time(), time.perf_counter()
        found = [project(matrix, into) for _ in range(LAYERS)]
        cpu, wall = cpu + time.process_time() - start[0], wall + time.perf_counter() - start[1]
        assert relative_error(matrix, *found[0]) < 1
    print(f"\nproject 96 matrices, {way}: {cpu:.1f} s of CPU, {wall:.1f} s")


def test_project_one_layer_calibrated():
    rng = np.random.default_rng(1)
    cpu = 0.0
    for matrix in layers():
        inputs, outputs = matrix.shape
        moment = second_moment(rng.standard_normal((2048, inputs // 8)) @ rng.standard_normal((inputs // 8, inputs)))
        start = time.process_time()
        found = project_calibrated(matrix, moment, blocking(inputs, outputs, 32))
        cpu += time.process_time() - start
        assert found.output_error < found.closed_form_output_error
    print(f"\nproject one layer of {LAYERS}, 32 blocks, calibrated: {cpu:.1f} s of CPU")


@pytest.mark.parametrize("budget", [0.1, 0.5])
def test_choose_for_one_layer(budget: float):
    start = time.process_time()
    found = [choose(matrix, budget) for matrix in layers()]
    print(f"\nchoose for one layer of 24, budget {budget}: {time.process_time() - start:.1f} s of CPU, {found}")
