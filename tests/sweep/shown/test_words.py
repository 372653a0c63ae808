"""Figures have the names and units that reports give them."""

import pytest

from cimc.sweep.grid import Goal
from cimc.sweep.shown.words import figure_text, goal_text, title_of


@pytest.mark.parametrize(
    ("figure", "value", "title", "text"),
    [
        ("latency_ns.total", 36400, "latency a token, with digital operators", "36.4 µs"),
        ("energy_pj.digital", 1.5e6, "energy_pj.digital", "1.5 µJ"),
        ("utilization", 0.957, "cells in use", "95.7 %"),
        ("leakage_uw.adc", 2500.0, "leakage_uw.adc", "2.5 mW"),
        ("measured.cosine", 0.5, "cosine with the original", "0.500000"),
        ("quality.perplexity", 12.25, "perplexity", "12.2"),
        ("arrays", 1234, "arrays", "1,234"),
        ("area_um2", None, "area", ""),
    ],
)
def test_words(figure: str, value: float | None, title: str, text: str) -> None:
    assert (title_of(figure), figure_text(figure, value)) == (title, text)


def test_plain_letters() -> None:
    assert figure_text("latency_ns.total", 36400, plain=True) == "36.4 us"


def test_goals() -> None:
    assert goal_text(Goal("measured.cosine", greatest=True)) == "greatest cosine with the original"
