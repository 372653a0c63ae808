"""Quantities as text."""

import pytest

from cimc.report.quantity_text import area_text, energy_text, time_text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0, "0 ps"), (0.25, "250 ps"), (1234.5, "1.23 us"), (99949, "99.9 us"), (99960, "100 us"), (999600, "1.00 ms")],
)
def test_times(nanoseconds: float, text: str) -> None:
    assert time_text(nanoseconds) == text


def test_energies() -> None:
    assert energy_text(0.0571) == "0.0571 pJ"
    assert energy_text(5e15) == "5,000 J"


@pytest.mark.parametrize(("area", "text"), [(0.036, "0.0360 um2"), (5760, "5,760 um2"), (28311, "0.0283 mm2")])
def test_areas(area: float, text: str) -> None:
    assert area_text(area) == text


def test_what_is_not_known() -> None:
    assert [f(None) for f in (time_text, energy_text, area_text)] == ["unknown"] * 3
