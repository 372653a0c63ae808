"""Calibrated projection: outputs at least as near as in closed form, whatever the inputs look like."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passes.project_monarch.analysis import monarch_calibration
from passes.project_monarch.analysis.monarch_calibration import (
    DAMPING,
    Calibrated,
    choose_calibrated,
    output_error,
    project_calibrated,
)
from passes.project_monarch.analysis.monarch_choice import choose
from passes.project_monarch.analysis.monarch_projection import Blocking, project, relative_error

Array = npt.NDArray[Any]
sizes = st.integers(1, 5)
many = settings(max_examples=60, deadline=None)


def second_moment(x: Array) -> Array:
    """`x^T x / n` of n vectors [n, in]; zero if there are none."""
    return x.T @ x / max(1, len(x))


def product(w1: Array, w2: Array) -> Array:
    """The matrix that the layer `reshape, multiply, transpose, multiply, transpose` multiplies by."""
    (ins, rows, _), (outs, inner, columns) = w1.shape, w2.shape
    middle = np.matmul(np.eye(ins * rows).reshape(-1, ins, rows).transpose(1, 0, 2), w1).transpose(1, 0, 2)
    result = np.matmul(middle.reshape(-1, inner, outs).transpose(2, 0, 1), w2).transpose(1, 2, 0)
    return result.reshape(-1, columns * outs)


def calibrated(matrix: Array, covariance: Array, into: Blocking, sweeps: int, damping: float) -> Calibrated:
    """The factors after another number of sweeps, and with another damping, than the compiler's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(monarch_calibration, "SWEEPS", sweeps)
        patch.setattr(monarch_calibration, "DAMPING", damping)
        return project_calibrated(matrix, covariance, into)


def correlated(inputs: int, vectors: int, rng: np.random.Generator) -> Array:
    """Inputs of few directions and very different sizes, as the hidden states of language models are."""
    scales = np.exp(1.5 * rng.standard_normal(inputs))
    return rng.standard_normal((vectors, inputs)) @ rng.standard_normal((inputs, inputs)) * scales


@st.composite
def layers(draw: st.DrawFn) -> tuple[Array, Array, Blocking]:
    """A random matrix, inputs (perhaps fewer than features, perhaps with features that are always zero), a blocking."""
    shape = draw(st.builds(Blocking, sizes, sizes, sizes, sizes, st.integers(1, 3)))
    inputs, outputs = draw(st.integers(1, shape.inputs)), draw(st.integers(1, shape.outputs))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = correlated(inputs, draw(st.integers(0, 2 * inputs)), rng)
    x[:, rng.random(inputs) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = 0
    return rng.standard_normal((inputs, outputs)), x, shape


@many
@given(layers())
def test_outputs_are_never_farther_than_in_closed_form(case: tuple[Array, Array, Blocking]):
    matrix, x, shape = case
    covariance = second_moment(x)
    found = project_calibrated(matrix, covariance, shape)
    closed = project(matrix, shape)
    assert found.output_error <= found.closed_form_output_error
    assert found.closed_form_output_error == output_error(matrix, *closed, covariance)
    assert found.output_error == output_error(matrix, found.w1, found.w2, covariance)
    assert found.weight_error == relative_error(matrix, found.w1, found.w2)
    assert found.weight_error >= relative_error(matrix, *closed) - 1e-7
    assert [part.shape for part in (found.w1, found.w2)] == [part.shape for part in closed]
    assert np.isfinite(found.w1).all()
    assert np.isfinite(found.w2).all()


@many
@given(layers())
def test_output_error_is_that_of_the_outputs(case: tuple[Array, Array, Blocking]):
    matrix, x, shape = case
    w1, w2 = project(matrix, shape)
    inputs, outputs = matrix.shape
    expected, found = x @ matrix, x @ product(w1, w2)[:inputs, :outputs]
    error = output_error(matrix, w1, w2, second_moment(x))
    assert error * np.linalg.norm(expected) == pytest.approx(
        np.linalg.norm(found - expected), abs=1e-6 * float(np.linalg.norm(expected))
    )


@many
@given(layers())
def test_more_sweeps_are_nearer(case: tuple[Array, Array, Blocking]):
    matrix, x, shape = case
    covariance = second_moment(x)
    covariance += 1e-3 * np.eye(len(covariance))
    errors = [calibrated(matrix, covariance, shape, sweeps, damping=1e-12) for sweeps in range(5)]
    for fewer, more in pairwise(errors):
        assert more.output_error <= fewer.output_error + 1e-6


def test_calibration_is_worth_it():
    rng = np.random.default_rng(1)
    found = project_calibrated(
        rng.standard_normal((64, 48)), second_moment(correlated(64, 500, rng)), Blocking(4, 16, 4, 12, 4)
    )
    assert found.output_error < 0.5 * found.closed_form_output_error


def test_no_step_from_a_minimum_is_better():
    rng = np.random.default_rng(2)
    matrix, covariance = rng.standard_normal((12, 10)), second_moment(correlated(12, 50, rng))
    found = calibrated(matrix, covariance, Blocking(3, 4, 2, 5), sweeps=400, damping=1e-12)
    for step in (1e-4, 1e-3, 1e-2):
        for _ in range(50):
            w1 = found.w1 + step * rng.standard_normal(found.w1.shape)
            w2 = found.w2 + step * rng.standard_normal(found.w2.shape)
            assert found.output_error <= output_error(matrix, w1, w2, covariance) + 1e-9


def test_white_inputs_leave_the_closed_form():
    matrix = np.random.default_rng(3).standard_normal((16, 16))
    shape = Blocking(4, 4, 4, 4)
    found = project_calibrated(matrix, np.eye(16), shape)
    np.testing.assert_allclose(product(found.w1, found.w2), product(*project(matrix, shape)), atol=1e-9)
    assert found.output_error == pytest.approx(found.weight_error)


def test_monarch_products_come_back():
    rng = np.random.default_rng(4)
    shape = Blocking(4, 8, 4, 8, 2)
    matrix = product(rng.standard_normal((4, 8, 8)), rng.standard_normal((4, 8, 8))).astype(np.float32)
    found = project_calibrated(matrix, second_moment(correlated(32, 100, rng)), shape)
    assert found.w1.dtype == found.w2.dtype == np.float32
    assert found.weight_error < 1e-6
    assert found.output_error < 1e-6


def test_unseen_features_keep_their_weights():
    rng = np.random.default_rng(5)
    matrix, x = rng.standard_normal((16, 16)), correlated(16, 100, rng)
    x[:, 8:] = 0
    found = project_calibrated(matrix, second_moment(x), Blocking(2, 8, 2, 8))
    closed = product(*project(matrix, Blocking(2, 8, 2, 8)))
    np.testing.assert_allclose(product(found.w1, found.w2)[8:], closed[8:], atol=1e-9)
    assert found.output_error < found.closed_form_output_error


def test_fewer_inputs_than_features_are_enough():
    rng = np.random.default_rng(6)
    matrix, x = rng.standard_normal((32, 32)), correlated(32, 3, rng)
    found = calibrated(matrix, second_moment(x), Blocking(4, 8, 4, 8), sweeps=20, damping=DAMPING)
    assert found.output_error < 0.1 * found.closed_form_output_error


@pytest.mark.parametrize("inputs", [np.zeros((0, 8)), np.zeros((5, 8))])
def test_no_inputs_and_zero_inputs(inputs: Array):
    matrix = np.random.default_rng(7).standard_normal((8, 8))
    found = project_calibrated(matrix, second_moment(inputs), Blocking(2, 4, 2, 4))
    np.testing.assert_array_equal(found.w1, project(matrix, Blocking(2, 4, 2, 4))[0])
    assert found.output_error == 0


def test_zero_matrix():
    found = project_calibrated(np.zeros((8, 8)), np.eye(8), Blocking(2, 4, 2, 4))
    assert found.output_error == found.weight_error == 0


def test_padding_changes_nothing():
    rng = np.random.default_rng(8)
    matrix, covariance = rng.standard_normal((14, 40)), second_moment(correlated(14, 60, rng))
    padded = Blocking(8, 8, 8, 8)
    found = project_calibrated(matrix, covariance, padded)
    trimmed = project_calibrated(matrix, covariance, padded.trimmed(14, 40))
    assert found.w1.shape == (8, 8, 8)
    np.testing.assert_allclose(product(found.w1, found.w2)[:14, :40], product(trimmed.w1, trimmed.w2)[:14, :40])


@pytest.mark.parametrize("budget", [0.1, 0.2, 0.4])
def test_the_choice_keeps_the_budget_and_is_cheaper_than_without_calibration(budget: float):
    rng = np.random.default_rng(10)
    matrix, covariance = rng.standard_normal((32, 48)), second_moment(correlated(32, 200, rng))
    found = choose_calibrated(matrix, covariance, budget)
    assert found is not None
    shape, result = found
    assert result.output_error <= budget
    assert result.output_error == output_error(matrix, result.w1, result.w2, covariance)
    closed = choose(matrix, budget)
    assert closed is None or shape.stored_weights <= closed.blocking.stored_weights


def test_nothing_is_chosen_where_nothing_is_near_enough():
    rng = np.random.default_rng(11)
    assert choose_calibrated(rng.standard_normal((16, 16)), np.eye(16), 1e-3) is None
    assert choose_calibrated(rng.standard_normal((2, 2)), np.eye(2), 1.0) is None


def test_the_second_moment_must_fit():
    with pytest.raises(ValueError, match="of shape 5x5: expected 4x4"):
        project_calibrated(np.ones((4, 6)), np.eye(5), Blocking(2, 2, 2, 3))


def test_the_second_moment_must_be_finite():
    with pytest.raises(ValueError, match="not finite"):
        output_error(np.ones((1, 1)), np.ones((1, 1, 1)), np.ones((1, 1, 1)), np.full((1, 1), np.nan))
