"""Which blockings are tried, and which is chosen."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.project_monarch.analysis import monarch_projection
from passes.project_monarch.analysis.monarch_choice import candidates, choose, front, paper_blocking
from passes.project_monarch.analysis.monarch_projection import (
    Blocking,
    discarded,
    energy,
    project,
    ratio,
    relative_error,
)

Array = npt.NDArray[Any]


def projection_error(matrix: Array, into: Blocking) -> float:
    """The relative error that `project` has, from the singular values of the slices alone."""
    energies = discarded(matrix, into, np.inf)
    return ratio(float(energies[: into.rank + 1][-1]), energy(matrix))


def monarch(shape: Blocking, seed: int = 0) -> Array:
    """A random matrix that is exactly a Monarch product."""
    rng = np.random.default_rng(seed)
    left = rng.standard_normal((shape.blocks_in, shape.blocks_out, shape.rows, shape.rank))
    right = rng.standard_normal((shape.blocks_in, shape.blocks_out, shape.rank, shape.columns))
    return (left @ right).transpose(0, 2, 3, 1).reshape(shape.inputs, shape.outputs)


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected", "stored"),
    [
        (1024, 1024, Blocking(32, 32, 32, 32), 65536),
        (1024, 4096, Blocking(64, 64, 64, 64), 524288),
        (4096, 1024, Blocking(64, 64, 64, 64), 524288),
        (1024, 3072, Blocking(32, 32, 96, 32), 3 * 65536),
        (3072, 1024, Blocking(96, 32, 32, 32), 3 * 65536),
        (384, 384, Blocking(20, 20, 20, 20), 16000),
        (384, 1536, Blocking(40, 40, 40, 40), 128000),
        (1, 1, Blocking(1, 1, 1, 1), 2),
    ],
)
def test_blocking_of_the_paper(inputs: int, outputs: int, expected: Blocking, stored: int):
    assert paper_blocking(inputs, outputs) == expected
    assert expected.stored_weights == stored


def test_padding_of_the_paper_stores_more_and_computes_the_same():
    matrix = np.random.default_rng(1).standard_normal((16, 64))
    padded = paper_blocking(16, 64)
    trimmed = padded.trimmed(16, 64)
    assert (padded, trimmed) == (Blocking(8, 8, 8, 8), Blocking(2, 8, 8, 8))
    assert projection_error(matrix, padded) == projection_error(matrix, trimmed)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3000))
def test_candidates(inputs: int, outputs: int):
    found = candidates(inputs, outputs)
    stored = [shape.stored_weights for shape in found]
    assert stored == sorted(stored)
    assert len(set(found)) == len(found)
    for shape in found:
        assert shape.stored_weights < inputs * outputs
        assert min(shape.blocks_in, shape.blocks_out) > 1
        assert shape.inputs >= inputs
        assert shape.outputs >= outputs
        assert shape.trimmed(inputs, outputs) == shape


def test_candidates_include_the_paper_without_padding():
    for inputs, outputs in [(1024, 1024), (1024, 4096), (4096, 1024)]:
        assert paper_blocking(inputs, outputs).trimmed(inputs, outputs) in candidates(inputs, outputs)


@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (100, 1), (2, 2)])
def test_small_matrices_have_no_candidates(shape: tuple[int, int]):
    assert candidates(*shape) == []
    assert choose(np.ones(shape), 0.5) is None


@pytest.mark.parametrize(
    "shape", [Blocking(4, 16, 4, 16, 2), Blocking(8, 8, 8, 8), Blocking(8, 6, 8, 24, 2), Blocking(16, 16, 4, 16)]
)
def test_the_cheapest_exact_blocking_is_chosen(shape: Blocking):
    matrix = monarch(shape)
    found = choose(matrix, 1e-6)
    assert found is not None
    assert found.error <= 1e-6
    assert found.blocking.stored_weights <= shape.stored_weights
    assert relative_error(matrix, *project(matrix, found.blocking)) <= 1e-6


@pytest.mark.parametrize("budget", [0.0, 0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0])
def test_the_choice_is_the_first_candidate_within_the_budget(budget: float):
    matrix = np.random.default_rng(3).standard_normal((24, 50)) + monarch(Blocking(6, 4, 5, 10), 4)
    errors = [projection_error(matrix, shape) for shape in candidates(24, 50)]
    expected = next((shape for shape, error in zip(candidates(24, 50), errors, strict=True) if error <= budget), None)
    found = choose(matrix, budget)
    assert (found and found.blocking) == expected
    if found is not None:
        assert found.error == pytest.approx(projection_error(matrix, found.blocking))


def test_the_front_is_of_what_is_offered():
    matrix = monarch(Blocking(4, 4, 4, 4))
    (poor,) = front(matrix, [Blocking(2, 8, 2, 8)])
    assert poor.error > 0.1
    exact = front(matrix, [Blocking(4, 4, 4, 4, 2), Blocking(4, 4, 4, 4)])[0]
    assert exact.blocking == Blocking(4, 4, 4, 4)
    assert exact.error < 0.1


def test_a_zero_matrix_takes_the_cheapest():
    found = choose(np.zeros((64, 64), np.float32), 0.0)
    assert found is not None
    assert found.blocking == candidates(64, 64)[0]
    assert found.error == 0


def test_front():
    matrix = np.random.default_rng(12).standard_normal((24, 36))
    found = front(matrix, candidates(24, 36))
    assert found[0].blocking.stored_weights == candidates(24, 36)[0].stored_weights
    for cheap, dear in pairwise(found):
        assert cheap.blocking.stored_weights < dear.blocking.stored_weights
        assert cheap.error > dear.error


def test_values_that_are_not_finite():
    with pytest.raises(ValueError, match="not finite"):
        choose(np.full((16, 16), np.nan), 0.5)


def test_powers_of_two_need_not_divide() -> None:
    """Four blocks of three rows hold ten."""
    assert Blocking(4, 3, 4, 3, 1) in candidates(10, 10)
    assert Blocking(4, 3, 4, 3, 1) in candidates(12, 12)


@pytest.mark.parametrize("budget", [0.2, 0.5, 0.7, 0.8, 0.9])
def test_a_matrix_in_parts_gets_the_same_blocking(budget: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the error is not taken for all of it: blockings that share a decomposition have several ranks."""
    matrix = monarch(Blocking(4, 8, 4, 8, 3), 1) + np.random.default_rng(2).standard_normal((32, 32))
    whole = choose(matrix, budget)
    monkeypatch.setattr(monarch_projection, "_CHUNK", 1)
    parts = choose(matrix, budget)
    assert (parts is None) == (whole is None)
    if whole is not None and parts is not None:
        assert parts.blocking == whole.blocking
        assert parts.error == pytest.approx(whole.error)
        assert relative_error(matrix, *project(matrix, whole.blocking)) <= budget * (1 + 1e-6)
