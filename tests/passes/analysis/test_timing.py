"""The time of an activation: planes, settling, and columns that wait for the ADCs of their crossbar."""

import numpy as np
import pytest

from passes.analysis.timing import ArrayTimes

TIMES = ArrayTimes(settle_ps=10000, adcs=4, adc_ps=tuple(range(1000, 9000, 1000)))


@pytest.mark.parametrize(
    ("columns", "bits", "picoseconds"),
    [(1, 1, 8 * 11000), (4, 4, 8 * 14000), (5, 4, 8 * 18000), (8, 1, 8 * 12000), (9, 8, 8 * 34000)],
)
def test_columns_share_four_adcs(columns: int, bits: int, picoseconds: int) -> None:
    assert TIMES.activation(8, columns, bits) == picoseconds
    many = TIMES.activations(np.array([8, 1]), np.array([columns, 1]), np.array([bits, 8]))
    assert many.tolist() == [picoseconds, 18000]
