"""What a sweep prints."""

from collections.abc import Callable

import pytest

from cimc.compiler import Options
from cimc.sweep.grid import Goal, Grid
from cimc.sweep.pareto import Front, front_of
from cimc.sweep.points import points_of
from cimc.sweep.results import rows_of
from cimc.sweep.run import Sweep
from cimc.sweep.store import Outcome
from cimc.sweep.text import front_lines, summary_lines

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
    lines = list(summary_lines(sweep_of(20, 16, 0, errors=7)))[2:]
    assert lines[:2] == ["failed: 3 x reason 0", "failed: 3 x reason 1"]
    assert lines[5:] == ["failed: 4 more; the column `error` tells why"]


def test_the_best_points(sweep_of: SweepOf) -> None:
    sweep = sweep_of(3, 0, 0)
    assert list(front_lines(sweep, front(sweep))) == [
        "best by least latency_ns.total, least arrays: 3 of 3 points",
        "chip.adcs  latency_ns.total  arrays",
        "        1                 0       3",
        "        2             1,000       2",
        "        3             2,000       1",
    ]


def test_best_points_that_may_clip(sweep_of: SweepOf) -> None:
    """What they still compute stands beside what they cost, whatever they are compared by."""
    sweep = sweep_of(2, 0, 0)
    for bits, outcome in enumerate(sweep.outcomes.values()):
        assert isinstance(outcome.figures, dict)
        outcome.figures.update({"measured.cosine": 0.5 * bits, "may_clip.conversions": 0 if bits else 7})
    assert list(front_lines(sweep, front(sweep))) == [
        "best by least latency_ns.total, least arrays: 2 of 2 points",
        "chip.adcs  latency_ns.total  arrays  measured.cosine",
        "        1                 0       2                0",
        "        2             1,000       1              0.5",
        "may clip: 1 of these points, which were run to tell what they compute",
    ]


def test_a_long_front_is_cut(sweep_of: SweepOf) -> None:
    sweep = sweep_of(40, 0, 0)
    lines = list(front_lines(sweep, front(sweep)))
    assert len(lines) == 33
    assert lines[-1] == "... and 10 more in pareto.csv"


def test_notes_follow(sweep_of: SweepOf) -> None:
    sweep = sweep_of(2, 0, 0)
    found = front(sweep)
    assert list(front_lines(sweep, Front(found.goals, found.best, found.others, ["a note"])))[-1] == "a note"
