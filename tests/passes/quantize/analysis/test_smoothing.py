"""Divisors of channels: powers of two, and none where they would not help."""

import numpy as np
import pytest
from numpy.typing import NDArray

from passes.quantize.analysis.smoothing import divisors, smoothing

WEIGHT = np.random.default_rng(0).normal(size=(64, 16)).astype(np.float32)


def test_divisors_are_powers_of_two_about_one() -> None:
    largest = np.array([1.0, 4.0, 64.0, 0.0])
    given = divisors(largest, np.array([1.0, 1.0, 1.0, 1.0]), 0.5)
    assert given.tolist() == [0.5, 1, 4, 1]  # 2^(0, 1, 3) less the mean exponent, 4/3, rounded
    assert divisors(largest, np.ones(4), 0).tolist() == [1, 1, 1, 1]


def test_outliers_are_smoothed() -> None:
    largest = np.full(64, 3.0)
    largest[[3, 40]] = 200
    strength, divisor = smoothing(largest, [WEIGHT], 8, 8)
    assert strength > 0
    assert divisor[[3, 40]].min() > np.delete(divisor, [3, 40]).max()


@pytest.mark.parametrize("largest", [np.full(64, 3.0), np.zeros(64)])
def test_channels_that_are_alike_are_left_alone(largest: NDArray[np.float64]) -> None:
    alike = np.ones_like(WEIGHT)
    strength, divisor = smoothing(largest, [alike], 8, 8)
    assert (strength, divisor.tolist()) == (0, [1] * 64)


def test_the_fewer_bits_weights_have_the_less_moves_into_them() -> None:
    largest = np.exp(np.random.default_rng(1).normal(size=64) * 1.5)
    strong, weak = (smoothing(largest, [WEIGHT], bits, 8)[0] for bits in (8, 2))
    assert strong > weak
