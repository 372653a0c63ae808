"""How long it takes to look for structure, and how much memory: GPT-2-medium (random), and structured matrices."""

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from passes.detect_block_diagonal.analysis.block_extraction import extract_blocks
from passes.detect_block_diagonal.analysis.block_structure import almost_blocks, find_matrix_blocks
from passes.detect_block_diagonal.analysis.monarch_products import find_monarch_product, monarch_matrix

Array = npt.NDArray[Any]
AddRow = Callable[..., None]

LAYERS = 24
ALLOWED, AGAINST = 3, "3 s of CPU"
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


def test_detection_in_gpt2_medium(row: AddRow) -> None:
    """96 dense matrices in which nothing is to be found; the targets are 3 s of CPU, and twice the largest weight."""
    rng = np.random.default_rng(0)
    matrices = [rng.standard_normal(shape, np.float32) for shape in SHAPES]
    assert all(detect(matrix) is None for matrix in matrices)
    seconds = {
        "blocks and Monarch products": LAYERS * sum(timed(lambda m=m: detect(m)) for m in matrices for _ in "abc") / 3,
        "almost blocks": LAYERS * sum(timed(lambda m=m: almost_blocks(m)) for m in matrices),
        "block extraction": LAYERS * sum(timed(lambda m=m: extract_blocks(m != 0, 256, 256)) for m in matrices),
    }
    for what, value in seconds.items():
        row(f"GPT-2-medium, look for {what}", seconds=value, ratio=value / ALLOWED, against=AGAINST)
    whole = sum(seconds.values())
    row("GPT-2-medium, look for all of these", seconds=whole, ratio=whole / ALLOWED, against=AGAINST, target=1)
    most = max(memory(lambda m=m: (detect(m), almost_blocks(m))) for m in matrices)
    largest = max(m.nbytes for m in matrices) / 1e6
    row("GPT-2-medium, look for structure: memory", ratio=most / largest, against="the largest weight", target=2)


def structured() -> dict[str, tuple[Array, bool]]:
    """4096x4096 matrices, and whether there is something to be found."""
    rng = np.random.default_rng(0)
    blocks = np.zeros((64, 64, 64, 64), np.float32)
    blocks[np.arange(64), :, np.arange(64)] = rng.standard_normal((64, 64, 64), np.float32)
    plain = blocks.reshape(4096, 4096)
    factors = rng.standard_normal((2, 64, 64, 64), np.float32)
    few = rng.standard_normal((4, 1024, 64), np.float32), rng.standard_normal((4, 64, 1024), np.float32)
    return {
        "64 plain blocks": (plain, True),
        "64 permuted blocks": (plain[rng.permutation(4096)][:, rng.permutation(4096)], True),
        "a Monarch product of 64 blocks": (monarch_matrix(factors[0], factors[1]), True),
        "a Monarch product of 4 blocks": (monarch_matrix(*few), True),
        "nothing": (rng.standard_normal((4096, 4096), np.float32), False),
    }


def test_detection_in_structured_matrices(row: AddRow) -> None:
    for what, (matrix, is_structured) in structured().items():
        assert (detect(matrix) is not None) == is_structured
        seconds = timed(lambda m=matrix: detect(m))
        most = memory(lambda m=matrix: detect(m)) / (matrix.nbytes / 1e6)
        row(f"4096x4096, {what}: memory of detection", seconds=seconds, ratio=most, against="the weight")


def test_extraction(row: AddRow) -> None:
    """Nonzeros that lie anywhere: the hard case, in which there are no blocks."""
    for density in (0.001, 0.01, 0.1, 0.5):
        nonzero = np.random.default_rng(0).random((4096, 4096)) < density
        reading = timed(lambda n=nonzero: n.nonzero())
        seconds = timed(lambda n=nonzero: extract_blocks(n, 256, 256))
        name = f"4096x4096, {density:.1%} nonzeros anywhere, block extraction"
        row(name, seconds=seconds, ratio=seconds / reading, against="numpy lists the nonzeros")
