"""Coverage in words."""

import pytest

from cimc.report.cost.coverage import MULTIPLY_ACCUMULATES, WEIGHTS, Coverage, Digital
from cimc.report.texts.coverage_text import coverage_lines, handy, percent, shortfall

NONE = Coverage(0.0, MULTIPLY_ACCUMULATES, 1_200_000, 0, (Digital("LSTM", "why", 1.0, ("a", "b", "c", "d")),))


def test_a_network_without_arrays_reads_like_one() -> None:
    assert list(coverage_lines(NONE)) == [
        "coverage      0 % of 1.2 M constant-weight multiply-accumulates on arrays",
        r"digital       100 % LSTM, why: a, b, c and 1 more",
    ]


def test_what_is_small_is_summed_up() -> None:
    parts = tuple(Digital(f"Op{i}", "why", 0.1, ("n",)) for i in range(7))
    *_, before, last = coverage_lines(Coverage(0.3, MULTIPLY_ACCUMULATES, 10, 3, parts))
    assert before == "digital       10.0 % Op4, why: n"
    assert last == "digital       20.0 % others, 2 nodes: cim-report --json names all"


def test_networks_that_were_not_run_and_those_with_nothing_to_multiply() -> None:
    (line,) = coverage_lines(Coverage(1.0, WEIGHTS, 20, 20, ()))
    assert line == (
        "coverage      100 % of 20 weights on arrays; the network was not run, so multiplications are not counted"
    )
    assert list(coverage_lines(Coverage(1.0, WEIGHTS, 0, 0, ()))) == [
        "coverage      no multiplication by a constant weight"
    ]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (1.0, "100 %"), (1e-9, "under 0.1 %"), (1 - 1e-9, "over 99.9 %"), (0.123456, "12.3 %")],
)
def test_percentages(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (999, "999"), (1234, "1.23 k"), (2 * 10**9, "2 G")])
def test_counts(count: int, text: str) -> None:
    assert handy(count) == text


def test_a_shortfall_names_all_nodes() -> None:
    assert shortfall(NONE, 0.0) is None
    assert shortfall(NONE, 0.955) == (
        "arrays do too little: 0 % of 1.2 M constant-weight multiply-accumulates on arrays, expected at least 95.5 %; "
        r"digital are LSTM (100 %, why): a, b, c, d"
    )
