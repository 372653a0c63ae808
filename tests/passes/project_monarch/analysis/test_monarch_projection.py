"""Closed-form Monarch projection: exact where it can be, optimal elsewhere, whatever the shape."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.project_monarch.analysis import monarch_projection
from passes.project_monarch.analysis.monarch_projection import (
    Blocking,
    blocking,
    blocking_of,
    discarded,
    energy,
    project,
    ratio,
    relative_error,
)

Array = npt.NDArray[Any]
sizes = st.integers(1, 5)
blockings = st.builds(Blocking, sizes, sizes, sizes, sizes, st.integers(1, 3))
seeds = st.integers(0, 2**32 - 1)
many = settings(max_examples=60, deadline=None)


def projection_error(matrix: Array, into: Blocking) -> float:
    """The relative error that `project` has, from the singular values of the slices alone."""
    energies = discarded(matrix, into, np.inf)
    return ratio(float(energies[: into.rank + 1][-1]), energy(matrix))


def through_layers(x: Array, w1: Array, w2: Array) -> Array:
    """y [n, out] of x [n, in], as the exported layer computes it: reshape, multiply, transpose, multiply, transpose."""
    (ins, rows, _), (outs, inner, columns) = w1.shape, w2.shape
    middle = np.matmul(x.reshape(-1, ins, rows).transpose(1, 0, 2), w1).transpose(1, 0, 2)
    result = np.matmul(middle.reshape(-1, inner, outs).transpose(2, 0, 1), w2).transpose(1, 2, 0)
    return result.reshape(-1, columns * outs)


def product(w1: Array, w2: Array) -> Array:
    return through_layers(np.eye(w1.shape[0] * w1.shape[1], dtype=w1.dtype), w1, w2)


def random_factors(shape: Blocking, rng: np.random.Generator) -> tuple[Array, Array]:
    w1 = rng.standard_normal((shape.blocks_in, shape.rows, shape.blocks_out * shape.rank))
    return w1, rng.standard_normal((shape.blocks_out, shape.blocks_in * shape.rank, shape.columns))


def direct_error(matrix: Array, w1: Array, w2: Array) -> float:
    inputs, outputs = matrix.shape
    rest = matrix - product(w1, w2)[:inputs, :outputs]
    return float(np.linalg.norm(rest) / np.linalg.norm(matrix))


@st.composite
def matrices(draw: st.DrawFn) -> tuple[Array, Blocking]:
    """A blocking, and a random matrix that fills it or leaves some of it to padding."""
    shape = draw(blockings)
    inputs, outputs = draw(st.integers(1, shape.inputs)), draw(st.integers(1, shape.outputs))
    return np.random.default_rng(draw(seeds)).standard_normal((inputs, outputs)), shape


@many
@given(blockings, seeds)
def test_monarch_products_come_back(shape: Blocking, seed: int):
    matrix = product(*random_factors(shape, np.random.default_rng(seed)))
    w1, w2 = project(matrix, shape)
    np.testing.assert_allclose(product(w1, w2), matrix, atol=1e-6)
    assert relative_error(matrix, w1, w2) < 1e-6
    assert projection_error(matrix, shape) < 1e-6


@pytest.mark.parametrize("shape", [Blocking(32, 8, 32, 8), Blocking(4, 64, 4, 64, 16), Blocking(8, 32, 4, 256, 3)])
def test_single_precision_products_come_back(shape: Blocking):
    matrix = product(*random_factors(shape, np.random.default_rng(1))).astype(np.float32)
    w1, w2 = project(matrix, shape)
    assert w1.dtype == w2.dtype == np.float32
    assert relative_error(matrix, w1, w2) < 1e-6
    assert projection_error(matrix, shape) < 1e-6


@many
@given(matrices())
def test_errors_equal_the_direct_computation(case: tuple[Array, Blocking]):
    matrix, shape = case
    w1, w2 = project(matrix, shape)
    assert w1.shape == (shape.blocks_in, shape.rows, shape.blocks_out * shape.rank)
    assert w2.shape == (shape.blocks_out, shape.blocks_in * shape.rank, shape.columns)
    assert w1.size + w2.size == shape.stored_weights
    expected = direct_error(matrix, w1, w2)
    assert relative_error(matrix, w1, w2) == pytest.approx(expected, abs=1e-7)
    assert projection_error(matrix, shape) == pytest.approx(expected, abs=1e-7)


@many
@given(blockings, seeds)
def test_error_of_any_factors(shape: Blocking, seed: int):
    rng = np.random.default_rng(seed)
    w1, w2 = random_factors(shape, rng)
    matrix = rng.standard_normal((rng.integers(1, shape.inputs + 1), rng.integers(1, shape.outputs + 1)))
    assert relative_error(matrix, w1, w2) == pytest.approx(direct_error(matrix, w1, w2))


@many
@given(matrices())
def test_lost_is_what_the_discarded_singular_values_hold(case: tuple[Array, Blocking]):
    matrix, shape = case
    padded = np.zeros((shape.inputs, shape.outputs))
    padded[: len(matrix), : matrix.shape[1]] = matrix
    slices = padded.reshape(shape.blocks_in, shape.rows, shape.columns, shape.blocks_out).transpose(0, 3, 1, 2)
    values = np.linalg.svd(slices, compute_uv=False)
    expected = np.sqrt((values[..., shape.rank :] ** 2).sum()) / np.linalg.norm(matrix)
    assert relative_error(matrix, *project(matrix, shape)) == pytest.approx(expected, abs=1e-7)


@many
@given(matrices(), seeds, st.sampled_from([1e-3, 1e-2, 0.1, 1.0]))
def test_no_other_factors_are_nearer(case: tuple[Array, Blocking], seed: int, step: float):
    matrix, shape = case
    rng = np.random.default_rng(seed)
    w1, w2 = project(matrix, shape)
    best = relative_error(matrix, w1, w2)
    near1, near2 = w1 + step * rng.standard_normal(w1.shape), w2 + step * rng.standard_normal(w2.shape)
    assert best <= relative_error(matrix, near1, near2) + 1e-7


@many
@given(matrices())
def test_a_higher_rank_is_nearer(case: tuple[Array, Blocking]):
    matrix, shape = case
    errors = [
        projection_error(matrix, Blocking(shape.blocks_in, shape.rows, shape.blocks_out, shape.columns, rank))
        for rank in range(1, 6)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0


@many
@given(matrices())
def test_padding_changes_nothing(case: tuple[Array, Blocking]):
    matrix, shape = case
    inputs, outputs = matrix.shape
    trimmed = shape.trimmed(inputs, outputs)
    assert trimmed.stored_weights <= shape.stored_weights
    whole, core = product(*project(matrix, shape)), product(*project(matrix, trimmed))
    np.testing.assert_allclose(whole[:inputs, :outputs], core[:inputs, :outputs], atol=1e-12)
    assert not whole[inputs:].any()
    assert not whole[:, outputs:].any()


def test_one_row_slices_are_exact():
    matrix = np.random.default_rng(2).standard_normal((8, 12))
    assert relative_error(matrix, *project(matrix, Blocking(8, 1, 3, 4))) < 1e-12
    assert relative_error(matrix, *project(matrix, Blocking(2, 4, 12, 1))) < 1e-12


def test_zero_matrix_and_zero_slices():
    matrix = np.zeros((8, 8), np.float32)
    w1, w2 = project(matrix, Blocking(2, 4, 2, 4))
    assert not w1.any()
    assert not w2.any()
    assert relative_error(matrix, w1, w2) == projection_error(matrix, Blocking(2, 4, 2, 4)) == 0
    assert relative_error(matrix, w1 + 1, w2 + 1) == np.inf
    matrix[:4, ::2] = 1
    assert relative_error(matrix, *project(matrix, Blocking(2, 4, 2, 4))) < 1e-6


def test_factors_are_balanced():
    matrix = 1000 * np.random.default_rng(3).standard_normal((16, 16))
    w1, w2 = project(matrix, Blocking(4, 4, 4, 4))
    assert np.linalg.norm(w1) == pytest.approx(np.linalg.norm(w2))


def test_large_matrices_are_worked_on_in_parts():
    rng = np.random.default_rng(4)
    matrix = product(*random_factors(Blocking(16, 64, 16, 80), rng))[:1000, :1250]
    assert relative_error(matrix, *project(matrix, Blocking(16, 64, 16, 80))) < 1e-6


@pytest.mark.parametrize(
    ("inputs", "outputs", "blocks", "expected"),
    [
        (256, 256, 4, Blocking(4, 64, 4, 64, 16)),
        (256, 1024, 4, Blocking(4, 64, 4, 256, 16)),
        (1024, 256, 8, Blocking(8, 128, 8, 32, 4)),
        (250, 256, 4, Blocking(4, 63, 4, 64, 15)),
        (256, 256, 16, Blocking(16, 16, 16, 16, 1)),
        (1024, 4096, 64, Blocking(64, 16, 64, 64, 1)),
        (5, 7, 5, Blocking(5, 1, 5, 2, 1)),
    ],
)
def test_blocking_for_so_many_blocks(inputs: int, outputs: int, blocks: int, expected: Blocking):
    assert blocking(inputs, outputs, blocks) == expected


@pytest.mark.parametrize(
    ("inputs", "outputs", "rank", "expected"),
    [
        (256, 256, 3, Blocking(4, 64, 4, 64, 3)),
        (256, 1024, 24, Blocking(4, 64, 4, 256, 24)),
        (256, 128, 50, Blocking(4, 64, 4, 32, 32)),
    ],
)
def test_blocking_of_a_given_rank(inputs: int, outputs: int, rank: int, expected: Blocking):
    assert blocking(inputs, outputs, 4, rank) == expected


def test_stored_weights_of_a_blocking():
    assert blocking(1024, 1024, 32).stored_weights == 65536
    assert blocking_of(10, 7, 3, 2, 2) == Blocking(3, 4, 2, 4, 2)


@pytest.mark.parametrize("blocks", [0, 5])
def test_too_few_or_too_many_blocks(blocks: int):
    with pytest.raises(ValueError, match=f"{blocks} blocks of a 4x8 matrix: expected 1 to 4"):
        blocking(4, 8, blocks)


@pytest.mark.parametrize("field", range(5))
def test_blockings_are_not_empty(field: int) -> None:
    numbers = [2, 2, 2, 2, 1]
    Blocking(*numbers)
    numbers[field] = 0
    with pytest.raises(ValueError, match=r"^blocks, rows, columns and rank of a blocking: expected at least 1 each"):
        Blocking(*numbers)


def test_a_matrix_must_fit():
    with pytest.raises(ValueError, match="a 9x8 matrix does not fit a Monarch product 8x8"):
        project(np.ones((9, 8)), Blocking(2, 4, 2, 4))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_matrix_must_be_finite(value: float):
    with pytest.raises(ValueError, match="not finite"):
        project(np.full((4, 4), value), Blocking(2, 2, 2, 2))


def test_rows_are_looked_at_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What each part of a large matrix loses adds up."""
    matrix = np.random.default_rng(1).standard_normal((11, 9))
    shape = Blocking(4, 3, 3, 3, 1)
    expected = projection_error(matrix, shape)
    w1, w2 = project(matrix, shape)
    for chunk in (1, 20, 40):
        monkeypatch.setattr(monarch_projection, "_CHUNK", chunk)
        assert projection_error(matrix, shape) == pytest.approx(expected)
        assert relative_error(matrix, w1, w2) == pytest.approx(expected)
        for found, whole in zip(project(matrix, shape), (w1, w2), strict=True):
            np.testing.assert_allclose(found, whole)
