"""What a sweep prints."""

from collections.abc import Callable

import pytest

from cimc.compiler import Options
from cimc.sweep.grid import Goal, Grid
from cimc.sweep.pareto import Front, front_of
from cimc.sweep.points import points_of
from cimc.sweep.run import Sweep
from cimc.sweep.shown.results import rows_of
from cimc.sweep.shown.text import best_line, front_notes, front_table, shown_figures, summary_lines
from cimc.sweep.store import Outcome

GOALS = [Goal("latency_ns.total"), Goal("arrays")]
SweepOf = Callable[..., Sweep]


@pytest.fixture
def sweep_of(grid: Callable[[str], Grid]) -> SweepOf:
    def make(count: int, failed: int, before: int, errors: int = 1) -> Sweep:
        """`count` points, the first `failed` of which failed for `errors` reasons in turn."""
        points = points_of(grid(f"[chip_keys]\nadcs = {list(range(1, count + 1))}"), "model", Options())
        outcomes = {
            point.key: Outcome(point.key, error=f"reason {i % errors}")
            if i < failed
            else Outcome(point.key, {"latency_ns.total": 1000.0 * i, "arrays": count - i})
            for i, point in enumerate(points)
        }
        return Sweep(points, outcomes, count - before, 2.25)

    return make


def front(sweep: Sweep) -> Front:
    return front_of([row for row in rows_of(sweep) if row["error"] is None], GOALS)


def test_summary(sweep_of: SweepOf) -> None:
    assert list(summary_lines(sweep_of(4, 0, 0))) == [
        "4 points (4 chip.adcs): 4 finished, 0 failed",
        "4 points ran in 2.2 s",
    ]
    assert next(summary_lines(sweep_of(1, 0, 0))) == "1 point: 1 finished, 0 failed"
    assert list(summary_lines(sweep_of(4, 3, 3))) == [
        "4 points (4 chip.adcs): 1 finished, 3 failed",
        "1 point ran in 2.2 s, 3 were finished before",
        "failed: 3 x reason 0",
    ]


def test_only_the_commonest_errors_are_shown(sweep_of: SweepOf) -> None:
    told = list(summary_lines(sweep_of(20, 16, 0, errors=7)))[2:]
    assert told[:2] == ["failed: 3 x reason 0", "failed: 3 x reason 1"]
    assert told[5:] == ["failed: 4 more; the column `error` tells why"]


def lines(sweep: Sweep, own: Front) -> list[str]:
    return [best_line(own), *front_table(sweep, own).lines(), *front_notes(own)]


def test_the_best_points(sweep_of: SweepOf) -> None:
    """In the words and units of reports."""
    sweep = sweep_of(3, 0, 0)
    assert lines(sweep, front(sweep)) == [
        "best by least latency a token, with digital operators; least arrays: 3 of 3 points",
        "chip.adcs  latency a token, with digital operators  arrays",
        "        1                                     0 ps       3",
        "        2                                     1 us       2",
        "        3                                     2 us       1",
    ]


def test_ties_are_one_line(sweep_of: SweepOf) -> None:
    sweep = sweep_of(3, 0, 0)
    for outcome in list(sweep.outcomes.values())[:2]:
        assert isinstance(outcome.figures, dict)
        outcome.figures.update({"latency_ns.total": 5.0, "arrays": 2})
    assert lines(sweep, front(sweep)) == [
        "best by least latency a token, with digital operators; least arrays: 3 of 3 points",
        "chip.adcs  points  latency a token, with digital operators  arrays",
        "     1, 2       2                                     5 ns       2",
        "        3       1                                     2 us       1",
    ]


def test_best_points_that_may_clip(sweep_of: SweepOf) -> None:
    """What they still compute stands beside what they cost, whatever they are compared by."""
    sweep = sweep_of(2, 0, 0)
    for bits, outcome in enumerate(sweep.outcomes.values()):
        assert isinstance(outcome.figures, dict)
        outcome.figures.update({"measured.cosine": 0.5 * bits, "may_clip.conversions": 0 if bits else 7})
    assert shown_figures(front(sweep)) == ["latency_ns.total", "arrays", "measured.cosine"]
    assert [row[-1] for row in front_table(sweep, front(sweep)).rows] == ["0.000000", "0.500000"]
    assert list(front_notes(front(sweep))) == ["may clip: 1 of these points, which were run to tell what they compute"]


def test_a_long_front_is_cut(sweep_of: SweepOf) -> None:
    sweep = sweep_of(40, 0, 0)
    assert len(front_table(sweep, front(sweep)).rows) == 30
    assert list(front_notes(front(sweep))) == ["... and 10 more in pareto.csv"]


def test_notes_follow(sweep_of: SweepOf) -> None:
    own = front(sweep_of(2, 0, 0))
    assert list(front_notes(Front(own.goals, own.best, own.others, ["a note"]))) == ["a note"]
