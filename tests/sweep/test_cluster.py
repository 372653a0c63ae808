"""Dask for sweeps: processes that leave nothing behind, and clusters that are not there."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import cloudpickle
import pytest
from distributed import LocalCluster

from cimc.compiler import Options
from cimc.sweep import cluster, dispatch
from cimc.sweep.cluster import local_client, remote_client
from cimc.sweep.grid import Grid
from cimc.sweep.points import Point
from cimc.sweep.run import Progress, Where, run_sweep
from cimc.sweep.store import Outcome
from cimc.sweep.work import Job, run_point
from dialects.errors import UserError


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_local_workers_are_processes_that_end_with_the_client() -> None:
    with local_client(2) as client:
        found = {client.submit(os.getpid, pure=False).result() for _ in range(20)}
        assert os.getpid() not in found
        assert 1 <= len(found) <= 2
        assert all(is_running(process) for process in found)
    assert not any(is_running(process) for process in found)


def deadly_for_two(job: Job, point: Point) -> Outcome:
    """Ends its process if the point has two ADCs."""
    return os.abort() if point.settings["chip.adcs"] == 2 else run_point(job, point)


def test_a_point_that_kills_its_worker(
    network: Path, grid: Callable[[str], Grid], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a point that failed, and it is kept as one; the others, which were near, run on new workers."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests
    monkeypatch.setattr(dispatch, "run_point", deadly_for_two)
    points = grid('chip = ["tiny-4"]\n[chip_keys]\nadcs = [1, 2, 4]')
    for ran in (3, 0):
        sweep = run_sweep(network, points, tmp_path / "out", Options(), where=Where(processes=1))
        assert sweep.ran == ran
        assert [(point.settings["chip.adcs"], error) for point, error in sweep.failed] == [
            (2, "the worker was killed that ran it: it may need more memory than there is")
        ]


def test_no_scheduler_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    with pytest.raises(UserError, match=r"--scheduler tcp://127.0.0.1:9: no Dask scheduler answers there \("):
        with remote_client("tcp://127.0.0.1:9"):
            pass
    with pytest.raises(UserError, match=r"--scheduler abc://x: no Dask scheduler answers there \("):
        with remote_client("abc://x"):
            pass


def test_a_scheduler_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    with LocalCluster(n_workers=0, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as empty:
        with pytest.raises(UserError, match=r"--scheduler .*: it has no workers: start some with `dask worker`"):
            with remote_client(empty.scheduler_address):
                pass


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A cluster as others start one: address and process of its scheduler, with one worker."""
    file = tmp_path / "scheduler.json"
    options = ["--scheduler-file", str(file), "--no-dashboard"]
    with ExitStack() as stack:

        def start(what: str, *arguments: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options, *arguments]
            process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        process = start("scheduler", "--host", "127.0.0.1", "--port", "0")
        start("worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path))
        while not file.exists() or not file.read_text():
            assert process.poll() is None
            time.sleep(0.02)
        yield json.loads(file.read_text())["address"], process


def test_a_cluster_of_others(
    scheduler: tuple[str, subprocess.Popen[bytes]], network: Path, grid: Callable[[str], Grid], tmp_path: Path
) -> None:
    """It runs the points; and when its scheduler ends, the sweep does, with what is finished by then."""
    address, process = scheduler
    points = grid('chip = ["tiny-4"]\n[chip_keys]\nadcs = [1, 2]')
    sweep = run_sweep(network, points, tmp_path / "out", Options(), where=Where(address))
    assert (sweep.ran, sweep.failed) == (2, [])

    def end(progress: Progress) -> None:
        if progress.finished == 3:
            process.kill()

    more = grid(
        'chip = ["tiny-4"]\nmapping = ["linear", "spread", "densemap", "sparsemap"]\n[chip_keys]\nadcs = [1, 2, 3, 4]'
    )
    with pytest.raises(UserError, match="the connection to the scheduler is lost: the same command goes on from here"):
        run_sweep(network, more, tmp_path / "out", Options(), where=Where(address), progress=end)
    rest = run_sweep(network, more, tmp_path / "out", Options(), where=Where(processes=1))
    assert rest.failed == []
    assert rest.ran <= 13
