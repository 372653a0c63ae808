"""What a worker does: the figures of a point are those of its program, and a failure is a result."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cimc.compiler import Options, compile_network
from cimc.program.errors import ProgramError
from cimc.report.report import report_of
from cimc.sweep import work
from cimc.sweep.figures import figures_of
from cimc.sweep.grid import Grid
from cimc.sweep.identity import code_digest
from cimc.sweep.points import Point, points_of
from cimc.sweep.store import read_outcomes
from cimc.sweep.work import Job, UnfitWorker, explained, make_network, run_point
from dialects.errors import UserError

GridOf = Callable[[str], Grid]


@pytest.fixture
def job(network: Path, tmp_path: Path) -> Job:
    (tmp_path / "work").mkdir()
    return Job(network, tmp_path / "work", code_digest())


def only(grid: Grid) -> Point:
    (point,) = points_of(grid, "model", Options())
    return point


@pytest.mark.parametrize("mapping", ["spread", "densemap", "sparsemap", "linear"])
@pytest.mark.parametrize("monarch", [0, 2])
def test_figures_are_those_of_the_program(mapping: str, monarch: int, job: Job, grid: GridOf, tmp_path: Path) -> None:
    """Whether a chip is changed key by key or written as a file makes no difference either."""
    point = only(
        grid(f'chip = ["tiny-4"]\nmapping = ["{mapping}"]\nmonarch = [{monarch}]\n[chip_keys]\nadcs = [2]\nsize = [6]')
    )
    assert make_network(job, point) is None
    outcome = run_point(job, point)
    chip = tmp_path / "my.toml"
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in point.chip.items()}
    chip.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
    compilation = compile_network(job.model, replace(point.options, chip=chip))
    assert outcome.error is None
    assert figures_of(report_of(compilation.program)).items() <= outcome.figures.items()
    assert compilation.distance is not None
    assert outcome.figures["measured.cosine"] == compilation.distance.cosine
    assert outcome.seconds > 0
    assert read_outcomes(job.folder) == {point.key: outcome}


@pytest.mark.parametrize("lossy", [1, 3, 8])
def test_figures_of_a_program_that_may_clip_are_its_own(lossy: int, job: Job, grid: GridOf) -> None:
    """And not those of its network, which cannot; with bits enough both are the same."""
    lossless, point = (only(grid(f'chip = ["tiny-4"]\nlossy = [{bits}]')) for bits in (0, lossy))
    assert lossless.network == point.network
    assert make_network(job, point) is None
    figures, ideal = run_point(job, point).figures, run_point(job, lossless).figures
    distance = compile_network(job.model, replace(point.options, chip="tiny-4")).distance
    assert distance is not None
    assert figures["measured.cosine"] == distance.cosine
    assert figures["measured.largest_difference"] == distance.largest
    assert (figures["measured.cosine"] == ideal["measured.cosine"]) == (lossy == 8)
    assert bool(figures["may_clip.conversions"]) == (lossy < 8)
    if lossy < 8:
        assert (figures["measured.clipped"], figures["measured.conversions"]) == distance.clipped


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        (
            "arrays = [1]",
            "mapping spread needs 48 crossbars in 12 arrays of 4x4, chip 'tiny-4' has 4 in 1",
        ),
        ("adc_bits = [1]", "node 'up': a single row can exceed an ADC of 1 bits"),
        ("adcs = [5]", "adcs = 5: expected at most one for each of the 4 columns"),
    ],
)
def test_points_that_fail(keys: str, error: str, job: Job, grid: GridOf) -> None:
    point = only(grid(f'chip = ["tiny-4"]\n[chip_keys]\n{keys}'))
    make_network(job, point)
    outcome = run_point(job, point)
    assert outcome.error is not None
    assert outcome.error.startswith(error)
    assert outcome.figures == {}
    assert read_outcomes(job.folder)[point.key].error == outcome.error


def test_a_bug_of_ours_is_a_failure_with_its_place(job: Job, grid: GridOf, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise AssertionError("two tiles\non one cell")

    point = only(grid(""))
    make_network(job, point)
    monkeypatch.setattr(work, "schedule_network", broken)
    error = run_point(job, point).error
    assert error is not None
    assert error.startswith("AssertionError: two tiles on one cell (test_work.py:")


def test_explanations() -> None:
    assert explained(UserError("too\nfew")) == "too few"
    assert explained(ProgramError("damaged")) == "damaged"
    assert explained(ValueError("odd")) == "ValueError: odd"


def test_networks_that_cannot_be_made(job: Job, grid: GridOf) -> None:
    (point,) = points_of(grid(""), "model", Options(activations="static"))
    assert make_network(job, point) == ("activations=static needs calibration inputs: give them with --calibrate x.npz")


def test_workers_that_cannot_take_part(job: Job, grid: GridOf, tmp_path: Path) -> None:
    point = only(grid(""))
    elsewhere = replace(job, folder=tmp_path / "elsewhere")
    for do in (make_network, run_point):
        with pytest.raises(UnfitWorker, match="runs another cimc than this one: install the same version everywhere"):
            do(replace(job, code="other"), point)
        with pytest.raises(UnfitWorker, match=r"does not see .*/elsewhere: --out must be on a file system that all"):
            do(elsewhere, point)
