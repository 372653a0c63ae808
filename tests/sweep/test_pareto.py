"""The best points: what dominates what, and what is said where figures are missing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from cimc.sweep.grid import Goal
from cimc.sweep.pareto import check_groups, check_names, front_of, is_best
from cimc.sweep.store import Row
from dialects.errors import UserError

TIME, SIZE, COSINE = Goal("time"), Goal("size"), Goal("cosine", greatest=True)


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 4)))
def test_the_best_are_those_that_nothing_dominates(values: np.ndarray) -> None:
    points = [tuple(row) for row in values.tolist()]

    def dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b))

    expected = [not any(dominates(other, point) for other in points) for point in points]
    assert is_best(values).tolist() == expected
    assert any(expected)


def test_least_and_greatest() -> None:
    rows: list[Row] = [
        {"name": "slow", "time": 9, "cosine": 0.5},
        {"name": "good", "time": 5, "cosine": 0.9},
        {"name": "fast", "time": 1.5, "cosine": 0.5},
        {"name": "equal", "time": 5, "cosine": 0.9},
    ]
    front = front_of(rows, [TIME, COSINE])
    assert [row["name"] for row in front.best] == ["fast", "good", "equal"]
    assert [row["name"] for row in front.others] == ["slow"]
    assert list(front.notes) == []
    assert [str(goal) for goal in front.goals] == ["least time", "greatest cosine"]


def usual(**figures: float | str | None) -> Row:
    return {"monarch": 0, "latency_ns.total": 1, "energy_pj.total": 2, "arrays": 3, "measured.cosine": 1, **figures}


def test_the_usual_goals() -> None:
    assert [goal.figure for goal in front_of([usual()], []).goals] == ["latency_ns.total", "energy_pj.total", "arrays"]
    several = front_of([usual(), usual(monarch=8)], [])
    assert several.goals[-1] == Goal("measured.cosine", greatest=True)


@pytest.mark.parametrize(
    "differing",
    [
        {"lossy": 1}, {"activations": "tensor"}, {"measured.cosine": 0.1}, {"weight_bits": 4}, {"weight_group": 64},
        {"activation_bits": 4}, {"quality_budget": 0.1},
    ],
)  # fmt: skip
def test_points_that_do_not_compute_the_same_are_compared_by_that(differing: dict[str, float | str]) -> None:
    """Else the best ADC would be the one of a single bit, which costs least and computes nothing."""
    useless = usual(**{"latency_ns.total": 0.1, "measured.cosine": 0.0, **differing})
    front = front_of([usual(), useless], [])
    assert front.goals[-1] == Goal("measured.cosine", greatest=True)
    assert front.best == [useless, usual()]


def test_arrays_of_different_sizes_are_compared_by_crossbars() -> None:
    """Ten arrays of 8-bit weights are as many crossbars as twenty of 4-bit weights."""
    alike = front_of([usual(crossbars=12), usual(arrays=2, crossbars=8)], [])
    assert [goal.figure for goal in alike.goals][-1] == "arrays"
    front = front_of([usual(crossbars=12), usual(crossbars=6)], [])
    assert [goal.figure for goal in front.goals][-1] == "crossbars"
    assert [row["crossbars"] for row in front.best] == [6]


def test_usual_goals_that_no_point_has_are_left_out() -> None:
    front = front_of([usual(**{"energy_pj.total": None})], [])
    assert [goal.figure for goal in front.goals] == ["latency_ns.total", "arrays"]
    assert list(front.notes) == ["energy_pj.total is left out: no point has it"]
    with pytest.raises(UserError) as error:
        front_of([usual(**{"energy_pj.total": None, "latency_ns.total": None})], [])
    assert str(error.value) == (
        "nothing to compare points by: latency_ns.total is left out: no point has it; energy_pj.total is left out: "
        "no point has it: name figures in [pareto] of the grid"
    )


def test_points_without_a_figure_are_left_out() -> None:
    rows: list[Row] = [{"time": 1, "size": 1}, {"time": 0, "size": None}, {"time": 2, "size": 0}]
    front = front_of(rows, [TIME, SIZE])
    assert [row["time"] for row in front.best] == [1, 2]
    assert list(front.notes) == ["not compared: 1 of 3 points, which lack size"]


def test_goals_that_no_point_has() -> None:
    with pytest.raises(UserError) as error:
        front_of([{"time": 1, "size": None}, {"time": 2, "size": None}], [TIME, SIZE])
    assert str(error.value) == (
        "pareto: size is null in all 2 points: give the chips what it is computed from, or choose another figure"
    )
    with pytest.raises(UserError) as error:
        front_of([{"time": 1, "size": None}, {"time": None, "size": 1}], [TIME, SIZE])
    assert str(error.value) == "no point has all figures that points are compared by (time, size are null in some)"


def test_one_point_tells_of_groups_only() -> None:
    check_groups([Goal("prefill.total"), Goal("time.all")], ["prefill.parameter", "time"])
    with pytest.raises(UserError, match=r"pareto: unknown figure 'prefil.total': did you mean 'prefill.total'\?"):
        check_groups([Goal("prefil.total")], ["prefill.total"])


def test_goals_that_are_no_figures() -> None:
    check_names([TIME], ["time"])
    with pytest.raises(UserError, match=r"pareto: unknown figure 'times': did you mean 'time'\?"):
        check_names([TIME, Goal("times")], ["time", "size"])
    with pytest.raises(UserError, match=r"pareto: unknown figure 'xyz': expected one of time, size"):
        check_names([Goal("xyz")], ["time", "size"])
