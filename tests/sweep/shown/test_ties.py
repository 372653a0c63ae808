"""Points with equal figures are one."""

from cimc.sweep.shown.ties import ties_of
from cimc.sweep.store import Row

ROWS: list[Row] = [
    {"mapping": "spread", "adcs": 1, "time": 5, "size": 1},
    {"mapping": "spread", "adcs": 2, "time": 6, "size": 1},
    {"mapping": "linear", "adcs": 1, "time": 5, "size": 2},
]


def test_ties() -> None:
    first, second = ties_of(ROWS, ["time"])
    assert (first.rows, second.rows) == ([ROWS[0], ROWS[2]], [ROWS[1]])
    assert first.first == ROWS[0]
    assert (first.values("mapping"), first.values("adcs")) == ("spread, linear", "1")


def test_all_figures_must_be_equal() -> None:
    assert [tie.rows for tie in ties_of(ROWS, ["time", "size"])] == [[row] for row in ROWS]
