"""Error-compensated rounding: outputs on correlated inputs come nearer than those of the nearest integers."""

import numpy as np
import pytest

from passes.quantize.analysis.choices import Resolution
from passes.quantize.analysis.compensated import compensated
from passes.quantize.analysis.grids import Grid
from passes.quantize.analysis.least_error import least_error_grid

GENERATOR = np.random.default_rng(3)


def correlated(rows: int, vectors: int = 400) -> np.ndarray:
    return GENERATOR.standard_normal((vectors, rows // 4)) @ GENERATOR.standard_normal(
        (rows // 4, rows)
    ) + 0.1 * GENERATOR.standard_normal((vectors, rows))


@pytest.mark.parametrize(("bits", "group"), [(4, None), (4, 32), (2, 32), (6, 50)])
def test_outputs_come_nearer(bits: int, group: int | None) -> None:
    """What is said of errors is what they are."""
    x, w = correlated(130), GENERATOR.standard_normal((130, 600)).astype(np.float32)
    grid = least_error_grid(w[None], Resolution(bits, group))
    made = compensated(w, grid, x.T @ x / len(x))
    assert made.values.min() >= -(2 ** (bits - 1))
    assert made.values.max() < 2 ** (bits - 1)
    errors = [mean_square(x, values, w, grid) for values in (made.values, grid.rounded(w[None])[0])]
    assert np.allclose([made.error, made.nearest_error], errors, rtol=1e-3)
    assert made.error < 0.6 * made.nearest_error
    assert np.isclose(made.energy, np.square(x @ w).sum() / len(x), rtol=1e-3)


def mean_square(x: np.ndarray, values: np.ndarray, w: np.ndarray, grid: Grid) -> float:
    scales = np.repeat(grid.scales[0], grid.size, axis=0)[: len(w)]
    return float(np.square(x @ (values * scales - w)).sum() / len(x))


def test_one_row_after_the_other() -> None:
    """Of two equal inputs, what the first loses the second makes good; one that is never seen has no part in it."""
    w = np.array([[0.4], [0.4], [0.4]], np.float32)
    grid = Grid(np.ones((1, 1, 1), np.float32), np.full((1, 1, 1), -8, np.int16), 15, 3)
    moment = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]], np.float64)
    assert compensated(w, grid, moment).values[:, 0].tolist() == [0, 1, 0]


def test_independent_inputs_and_none() -> None:
    """Nothing can be made good: each number becomes the nearest integer."""
    w = GENERATOR.standard_normal((20, 5)).astype(np.float32)
    grid = least_error_grid(w[None], Resolution(3))
    for moment in (np.diag(np.arange(20.0)), np.zeros((20, 20))):
        assert np.array_equal(compensated(w, grid, moment).values, grid.rounded(w[None])[0])
