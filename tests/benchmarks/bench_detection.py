"""How long it takes to look for structure, and how much memory: GPT-2-medium (random), and structured matrices."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from passes.analysis.block_extraction import extract_blocks
from passes.analysis.block_structure import almost_blocks, find_matrix_blocks
from passes.analysis.monarch_products import find_monarch_product, monarch_matrix

Array = npt.NDArray[Any]

LAYERS = 24
SHAPES = ((1024, 3072), (1024, 1024), (1024, 4096), (4096, 1024))


def timed(work: Callable[[], object]) -> float:
    """Seconds of CPU, all threads together."""
    start = time.process_time()
    work()
    return time.process_time() - start


def memory(work: Callable[[], object]) -> float:
    """The most memory [MB] that was in use at a time, beyond what was before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def detect(matrix: Array) -> object:
    return find_matrix_blocks(matrix) or find_monarch_product(matrix)


def test_detection_in_gpt2_medium() -> None:
    """96 dense matrices in which nothing is to be found."""
    rng = np.random.default_rng(0)
    matrices = [rng.standard_normal(shape, np.float32) for shape in SHAPES]
    seconds = {
        "blocks and Monarch products": LAYERS * sum(timed(lambda m=m: detect(m)) for m in matrices for _ in "abc") / 3,
        "almost blocks": LAYERS * sum(timed(lambda m=m: almost_blocks(m)) for m in matrices),
        "block extraction": LAYERS * sum(timed(lambda m=m: extract_blocks(m != 0, 256, 256)) for m in matrices),
    }
    for what, value in seconds.items():
        print(f"\nlook for {what} in 96 matrices: {value:.2f} s of CPU", end="")
    most = max(memory(lambda m=m: (detect(m), almost_blocks(m))) for m in matrices)
    print(f"; {most:.1f} MB, the largest weight being {max(m.nbytes for m in matrices) / 1e6:.1f} MB")
    assert all(detect(matrix) is None for matrix in matrices)


def structured() -> dict[str, Array]:
    """4096x4096 matrices."""
    rng = np.random.default_rng(0)
    blocks = np.zeros((64, 64, 64, 64), np.float32)
    blocks[np.arange(64), :, np.arange(64)] = rng.standard_normal((64, 64, 64), np.float32)
    plain = blocks.reshape(4096, 4096)
    factors = rng.standard_normal((2, 64, 64, 64), np.float32)
    return {
        "64 plain blocks": plain,
        "64 permuted blocks": plain[rng.permutation(4096)][:, rng.permutation(4096)],
        "a Monarch product of 64 blocks": monarch_matrix(factors[0], factors[1]),
        "a Monarch product of 4 blocks": monarch_matrix(
            rng.standard_normal((4, 1024, 64), np.float32), rng.standard_normal((4, 64, 1024), np.float32)
        ),
        "nothing": rng.standard_normal((4096, 4096), np.float32),
    }


def test_detection_in_structured_matrices() -> None:
    for what, matrix in structured().items():
        seconds = timed(lambda m=matrix: detect(m))
        most = memory(lambda m=matrix: detect(m)) / (matrix.nbytes / 1e6)
        print(f"\n4096x4096, {what}: {seconds:.2f} s of CPU, memory of {most:.2f} times the weight", end="")


def test_extraction() -> None:
    for density in (0.001, 0.01, 0.1, 0.5):
        nonzero = np.random.default_rng(0).random((4096, 4096)) < density
        seconds = timed(lambda n=nonzero: extract_blocks(n, 256, 256))
        print(f"\n4096x4096, {density:.1%} nonzeros anywhere, block extraction: {seconds:.2f} s of CPU", end="")
