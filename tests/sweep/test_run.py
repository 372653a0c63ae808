"""Sweeps from end to end, on workers that are threads here: what runs, what is kept, what stops a sweep."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cimc.compiler import Options
from cimc.sweep import run, work
from cimc.sweep.grid import Grid
from cimc.sweep.networks import prepare_network
from cimc.sweep.pareto import front_of
from cimc.sweep.quality import Reading
from cimc.sweep.run import Progress, Sweep, Where, run_sweep
from cimc.sweep.shown.results import rows_of
from cimc.sweep.store import Outcome
from cimc.sweep.workplace import working_folder
from dialects.errors import UserError

Run = Callable[..., Sweep]
GRID = """
chip = ["tiny-4"]
mapping = ["spread", "linear"]
[chip_keys]
adcs = [1, 2]
"""


@pytest.fixture
def sweep(network: Path, grid: Callable[[str], Grid], threads: Where, tmp_path: Path) -> Run:
    def start(text: str = GRID, options: Options = Options(), retry_failed: bool = False) -> Sweep:
        seen: list[Progress] = []
        done = run_sweep(
            network,
            grid(text),
            tmp_path / "out",
            options,
            where=threads,
            retry_failed=retry_failed,
            progress=seen.append,
        )
        assert (seen[0].finished, seen[-1].finished) == (0, len(done.points))
        assert seen[-1].failed == len(done.failed)
        assert [p.finished for p in seen] == sorted(p.finished for p in seen)
        return done

    return start


def outcomes(sweep: Sweep) -> list[Outcome]:
    return [sweep.outcomes[point.key] for point in sweep.points]


def test_bits_and_encodings_of_the_docs(sweep: Run, grid: Callable[[str], Grid]) -> None:
    """Twelve tiles of 4x4: an array has as many crossbars as its format has cells of 2 bits for a weight."""
    page = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text()
    (text,) = (block for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL) if "encoding" in block)
    done = sweep(text)
    assert (len(done.points), len({point.network for point in done.points}), done.failed) == (18, 6, [])
    slices: dict[str, Callable[[int], int]] = {
        "offset": lambda b: b // 2,
        "twos-complement": lambda b: b // 2 + 1,
        "differential": lambda b: b,
    }
    rows = rows_of(done)
    for row in rows:
        bits, planes, encoding = row["weight_bits"], row["activation_bits"], row["encoding"]
        assert isinstance(bits, int)
        assert isinstance(planes, int)
        crossbars = slices[str(encoding)](bits)
        assert (row["arrays"], row["crossbars"]) == (12, 12 * crossbars)
        assert row["conversions_per_token"] == 12 * 4 * crossbars * planes
    front = front_of(rows, grid(text).goals)
    assert {row["weight_bits"] for row in front.best} == {8, 4, 2}


def test_every_point_runs_once(sweep: Run) -> None:
    first = sweep()
    assert (first.ran, first.failed) == (4, [])
    latencies = [outcome.figures["latency_ns.parameter"] for outcome in outcomes(first)]
    assert latencies[1] != latencies[0]
    again = sweep()
    assert again.ran == 0
    assert rows_of(again) == rows_of(first)


def test_another_grid_runs_what_is_new(sweep: Run) -> None:
    first = sweep()
    wider = sweep(GRID.replace("[1, 2]", "[1, 2, 4]").replace('"linear"', '"densemap"'))
    assert wider.ran == 4
    assert wider.outcomes[first.points[0].key] == outcomes(first)[0]
    assert sweep().ran == 0


def test_another_model_runs_anew(sweep: Run, network: Path) -> None:
    sweep()
    content = network.read_bytes()
    other = content.replace(content[-200:-196], b"\x00\x00\x00\x3f")
    assert other != content
    network.write_bytes(other)
    assert sweep().ran == 4


def test_networks_are_made_once(sweep: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a block count, whatever the number of points; not at all where one is there already."""
    made: list[object] = []

    def counted(file: Path, options: Options, folder: Path, reading: Reading | None) -> None:
        if not folder.exists():
            made.append(options.monarch)
        prepare_network(file, options, folder, reading)

    monkeypatch.setattr(work, "prepare_network", counted)
    sweep(GRID.replace("[chip_keys]", "monarch = [0, 2]\n[chip_keys]"))
    assert sorted(map(str, made)) == ["2", "None"]
    assert sweep(GRID.replace("[1, 2]", "[3]")).ran == 2
    assert len(made) == 2


def test_a_failing_point_stops_nothing(sweep: Run) -> None:
    done = sweep(GRID + "arrays = [1, 100]")
    assert [error is None for error in (o.error for o in outcomes(done))] == [False, True] * 4
    assert {error.partition(" crossbars")[0] for _, error in done.failed} == {
        "mapping spread needs 48",
        "mapping linear needs 48",
    }


def test_failed_points_run_again_if_asked(sweep: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr(work, "schedule_network", broken)
    assert len(sweep().failed) == 4
    monkeypatch.undo()
    assert (sweep().ran, len(sweep().failed)) == (0, 4)
    assert sweep(retry_failed=True).failed == []
    assert sweep(retry_failed=True).ran == 0


def test_a_network_that_cannot_be_made(sweep: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its points fail, the others run; the failure is not kept."""

    def picky(file: Path, options: Options, folder: Path, reading: Reading | None) -> None:
        if options.monarch == 2:
            raise UserError("no such factors")
        prepare_network(file, options, folder, reading)

    text = GRID.replace("[chip_keys]", "monarch = [0, 2]\n[chip_keys]")
    monkeypatch.setattr(work, "prepare_network", picky)
    assert [error for _, error in sweep(text).failed] == ["no such factors"] * 4
    monkeypatch.undo()
    done = sweep(text)
    assert (done.ran, done.failed) == (4, [])


def test_no_network_can_be_made(sweep: Run, tmp_path: Path) -> None:
    """Then it is the model or an option, and nothing is left behind."""
    with pytest.raises(UserError, match="activations=static needs calibration inputs: give them with --calibrate"):
        sweep(options=Options(activations="static"))
    assert not (tmp_path / "out").exists()


def test_a_figure_that_does_not_exist_is_found_out_early(sweep: Run) -> None:
    """What ran before is kept."""
    text = GRID + '[pareto]\nminimize = ["array", "stages"]'
    for _ in range(2):
        with pytest.raises(UserError, match=r"pareto: unknown figure 'array': did you mean 'arrays'\?"):
            sweep(text)
    assert sweep().ran < 4


def test_a_figure_that_no_point_has_is_found_out_at_the_end(sweep: Run) -> None:
    """A single point could lack it for a reason of its own."""
    with pytest.raises(UserError, match=r"pareto: unknown figure 'latency_ns.totl': did you mean 'latency_ns.total'\?"):
        sweep(GRID + '[pareto]\nminimize = ["arrays", "latency_ns.totl"]')
    assert sweep().ran == 0


def test_workers_with_another_cimc(sweep: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "code_digest", lambda: "other")
    with pytest.raises(UserError, match="a worker runs another cimc than this one: install the same version"):
        sweep()


def test_workers_that_fail_outside_of_points(sweep: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(work, "write_outcome", full)
    with pytest.raises(UserError, match=r"a worker cannot run sweeps: OSError: .*No space left on device"):
        sweep()


def test_one_sweep_at_a_time(sweep: Run, tmp_path: Path) -> None:
    with working_folder(tmp_path / "out"):
        with pytest.raises(UserError, match=r"out: another sweep is at work there: wait for it, or give another"):
            sweep()
    assert sweep().ran == 4


def test_workers_are_given_absolute_paths(
    network: Path, monkeypatch: pytest.MonkeyPatch, grid: Callable[[str], Grid], threads: Where
) -> None:
    """Workers on other machines do not know where this process is."""
    seen: list[Path] = []

    def watched(file: Path, options: Options, folder: Path, reading: Reading | None) -> None:
        seen.extend((file, folder.parent))
        prepare_network(file, options, folder, reading)

    monkeypatch.setattr(work, "prepare_network", watched)
    monkeypatch.chdir(network.parent)
    run_sweep(Path(network.name), grid(GRID), Path("here"), Options(), where=threads)
    assert seen == [network, network.parent / "here" / "work" / "networks"]
