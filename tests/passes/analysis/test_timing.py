"""The time of a row group: planes, settling, and columns that wait for the ADCs of their crossbar."""

import pytest

from passes.analysis.timing import TileTiming


@pytest.mark.parametrize(
    ("columns", "adc_bits", "picoseconds"),
    [(1, 1, 8 * 11000), (4, 4, 8 * 14000), (5, 4, 8 * 18000), (8, 1, 8 * 12000), (9, 8, 8 * 34000)],
)
def test_columns_share_four_adcs(columns: int, adc_bits: int, picoseconds: int):
    timing = TileTiming(planes=8, settle_ns=10, adcs=4, adc_ns=lambda bits: bits)
    assert timing.picoseconds(columns, adc_bits) == picoseconds


def test_fractions_of_a_nanosecond_are_kept():
    assert TileTiming(planes=1, settle_ns=0.0014, adcs=1, adc_ns=lambda bits: 0.25).picoseconds(3, 5) == 751
