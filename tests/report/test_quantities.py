"""Figures with at least three digits, in units of handy size."""

import pytest

from cimc.report.quantities import AREA, COUNT, ENERGY, SHARE, TIME, UNKNOWN, Unit, number, plainly, scale_of, shown


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, COUNT, "0"),
        (1191936, COUNT, "1,191,936"),
        (0.957, SHARE, "95.7 %"),
        (12.5, TIME, "12.5 ns"),
        (74901.92, TIME, "74.9 µs"),
        (398712.0, TIME, "398.7 µs"),
        (2_000_000, TIME, "2 ms"),
        (0.25, TIME, "250 ps"),
        (1234.5, ENERGY, "1.23 nJ"),
        (3.5e6, AREA, "3.5 mm²"),
        (36480, AREA, "0.0365 mm²"),
        (9999, AREA, "9,999 µm²"),
        (0, TIME, "0 ps"),
        (99960, TIME, "100 µs"),
        (5e15, ENERGY, "5,000 J"),
        (0.0571, ENERGY, "0.0571 pJ"),
    ],
)
def test_shown(value: float, unit: Unit, text: str) -> None:
    assert shown(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1e-7, "1e-07"), (0.123456, "0.123"), (1234.5, "1,234"), (3.0, "3"), (123.45, "123.5")]
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"), [(1234.5, TIME, "1.23 us"), (0.036, AREA, "0.036 um2"), (None, ENERGY, UNKNOWN)]
)
def test_plainly(value: float | None, unit: Unit, text: str) -> None:
    assert plainly(value, unit) == text
    assert text.isascii()


def test_scales() -> None:
    assert scale_of(999, TIME) == (1, "ns")
    assert scale_of(1000, TIME) == (1e3, "µs")
    assert scale_of(0.1, TIME) == (1e-3, "ps")
    assert scale_of(5, COUNT) == (1, "")
