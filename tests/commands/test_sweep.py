"""`cim-sweep`: what it prints and writes, what a kill or a Ctrl-C does to it, and its mistakes."""

import csv
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from distributed import LocalCluster

from cimc.commands import sweep

Write = Callable[..., Path]
W = np.random.default_rng(0).standard_normal((8, 12)).astype(np.float32)
GRID = """
chip = ["tiny-4"]
mapping = ["spread", "linear"]
[chip_keys]
adcs = [1, 2]
arrays = [100, 1]
[pareto]
minimize = ["latency_ns.parameter", "arrays"]
"""
LARGE_GRID = GRID.replace("[1, 2]", "[1, 2, 3, 4]").replace("arrays = [100, 1]", "settle_ns = [0, 1, 2]")


@pytest.fixture
def network(onnx_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """`network.onnx` in the current folder, with a grid of eight points in `grid.toml`, half of which fail."""
    monkeypatch.chdir(tmp_path)
    Path("grid.toml").write_text(GRID)
    return onnx_file("g (float[n,8] x) => (float[n,12] y) { [up] y = MatMul(x, w) }", {"w": W}).name


@pytest.fixture
def scheduler() -> Iterator[str]:
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


def test_a_sweep(network: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = [network, "--grid", "grid.toml", "--jobs", "1"]
    assert sweep.main(arguments) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[:2] == [
        "network.onnx -> network.sweep",
        "  8 points (2 mapping, 2 chip.adcs, 2 chip.arrays): 4 finished, 4 failed",
    ]
    assert lines[2].startswith("  8 points ran in ")
    assert lines[3].startswith("  failed: 2 x mapping ")
    assert lines[6] == "best by least latency a token, arrays alone; least arrays: 2 of 4 points"
    assert lines[7].split() == "mapping chip.adcs chip.arrays points latency a token, arrays alone arrays".split()
    files = ("points.parquet", "pareto.csv", "pareto.png", "sweep.html")
    assert lines[-4:] == [f"written: network.sweep/{name}" for name in files]
    assert printed.err == ""
    rows = pq.read_table("network.sweep/points.parquet").to_pylist()
    assert [row["error"] is None for row in rows] == [True, False] * 4
    with Path("network.sweep/pareto.csv").open(newline="") as file:
        best = list(csv.DictReader(file))
    assert [row["chip.adcs"] for row in best] == ["2", "2"]
    assert sorted(path.name for path in Path("network.sweep").iterdir()) == [
        "pareto.csv",
        "pareto.png",
        "points.parquet",
        "reports",
        "sweep.html",
        "work",
    ]
    assert sweep.main(arguments) == 0
    again = capsys.readouterr().out.splitlines()
    assert again[2].endswith(", 8 were finished before")
    assert again[3:] == lines[3:]
    assert pq.read_table("network.sweep/points.parquet").to_pylist() == rows


def test_another_folder_and_a_scheduler(network: str, scheduler: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep.main([network, "--grid", "grid.toml", "--scheduler", scheduler, "--out", "here", "--dim", "n=3"]) == 0
    assert capsys.readouterr().out.startswith("network.onnx -> here\n  8 points ")
    assert not Path("network.sweep").exists()


def test_retry(network: str, scheduler: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [network, "--grid", "grid.toml", "--scheduler", scheduler]
    for more, ran in (([], 8), ([], 0), (["--retry-failed"], 4)):
        assert sweep.main([*arguments, *more]) == 0
        assert capsys.readouterr().out.splitlines()[2].startswith(f"  {ran} points ran in ")


def test_options_of_the_network(network: str, scheduler: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They reach it: each makes other points of the same grid."""
    Path("grid.toml").write_text(GRID.replace("[1, 2]", "[1]").replace("[100, 1]", "[100]"))
    np.savez("x.npz", x=np.random.default_rng(0).standard_normal((5, 8)).astype(np.float32))
    arguments = [network, "--grid", "grid.toml", "--scheduler", scheduler]
    for more in (
        [],
        ["--activations", "tensor"],
        ["--calibrate", "x.npz"],
        ["--prune-below", "0.5"],
        ["--monarch-budget", "0.2"],
        ["--dim", "n=2"],
        ["--context", "9"],
        ["--tokens", "9"],
    ):
        assert sweep.main([*arguments, *more]) == 0
        assert capsys.readouterr().out.splitlines()[2].startswith("  2 points ran in "), more


def test_no_point_comes_through(network: str, scheduler: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("grid.toml").write_text(GRID.replace("[100, 1]", "[1]"))
    assert sweep.main([network, "--grid", "grid.toml", "--scheduler", scheduler]) == 1
    printed = capsys.readouterr()
    assert "4 points (2 mapping, 2 chip.adcs): 0 finished, 4 failed" in printed.out
    assert printed.err == (
        "cimc: error: none of 4 points came through; network.sweep/points.parquet tells why in column error\n"
    )
    assert Path("network.sweep/points.parquet").exists()


def test_figures_that_are_null(network: str, scheduler: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The points are kept, and another choice of figures needs no new run."""
    Path("grid.toml").write_text(GRID.replace('"arrays"', '"permutations_before_folding", "arrays"'))
    sweep.main([network, "--grid", "grid.toml", "--scheduler", scheduler])
    Path("grid.toml").write_text(GRID)
    capsys.readouterr()
    assert sweep.main([network, "--grid", "grid.toml", "--scheduler", scheduler]) == 0
    assert ", 8 were finished before" in capsys.readouterr().out


def start(network: str, errors: int) -> subprocess.Popen[bytes]:
    """A sweep in a session of its own that hears Ctrl-C, even if these tests, started in the background, do not."""
    Path("grid.toml").write_text(LARGE_GRID)
    command = [sys.executable, "-m", "cimc.commands.sweep", network, "--grid", "grid.toml", "--jobs", "1"]
    environment = {**os.environ, "PYTHONPATH": str(Path(sweep.__file__).parents[2]), "TERM": "xterm"}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=errors
        )
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for_points(process: subprocess.Popen[bytes], count: int) -> None:
    while len(list(Path("network.sweep/work/finished").glob("[!.]*.parquet"))) < count:
        assert process.poll() is None, "ended before it was stopped"
        time.sleep(0.01)


def members(session: int) -> list[int]:
    """The processes of a session that are still there, whoever their parents are now."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def assert_gone(session: int) -> None:
    """The last processes notice within moments that the others ended; a minute is more than they need."""
    for _ in range(6000):
        if not members(session):
            return
        time.sleep(0.01)
    assert members(session) == []


def test_killed_in_the_middle(network: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that was finished is lost, torn or run again, and no process stays behind."""
    with start(network, subprocess.DEVNULL) as process:
        wait_for_points(process, 5)
        process.kill()
    assert_gone(process.pid)
    files = list(Path("network.sweep/work/finished").glob("[!.]*.parquet"))
    before = {row["key"]: row for file in files for row in pq.read_table(file).to_pylist()}
    assert 5 <= len(before) == len(files) < 24
    assert sweep.main([network, "--grid", "grid.toml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith(": 24 finished, 0 failed")
    assert lines[2].startswith(f"  {24 - len(before)} points ran in ")
    assert lines[2].endswith(f", {len(before)} were finished before")
    after = {row["key"]: row for row in pq.read_table("network.sweep/work/finished.parquet").to_pylist()}
    assert len(after) == 24
    assert {key: after[key] for key in before} == before


def test_interrupted_on_a_terminal(network: str) -> None:
    """A Ctrl-C reaches the workers, too, which say nothing of it; the bar goes and one line stays."""
    terminal, end = pty.openpty()
    with start(network, end) as process:
        os.close(end)
        wait_for_points(process, 5)
        os.killpg(process.pid, signal.SIGINT)
        shown = b""
        while True:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                break  # the other end is closed
        assert process.wait() == 1
    os.close(terminal)
    assert b"sweeping" in shown
    assert b"/24" in shown
    assert b"Traceback" not in shown
    assert shown.decode().splitlines()[-1].endswith("cimc: error: interrupted: the same command goes on from here")
    assert_gone(process.pid)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.onnx"], "none.onnx: cannot be read: no such file or directory"),
        (["grid.toml"], "grid.toml: not an ONNX file, or a truncated one: expected a serialized ModelProto"),
        (["network.onnx", "--dim", "m=3"], "network.onnx: no input has a dimension 'm' to fix with --dim"),
        (["network.onnx", "--grid", "none.toml"], "grid file none.toml cannot be read: no such file or directory"),
        (["network.onnx", "--calibrate", "none.npz"], "none.npz: cannot be read: no such file or directory"),
        (["network.onnx", "--out", "grid.toml"], "grid.toml: cannot be written: "),
        (["network.onnx", "--calibrate", "pareto.csv", "--out", "."], "pareto.csv: cannot be written: it is also an"),
    ],
)
def test_mistakes(network: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They are found out before there is a worker, and leave nothing."""
    before = sorted(Path.cwd().iterdir())
    assert sweep.main(["--grid", "grid.toml", *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"cimc: error: {message}")
    assert sorted(Path.cwd().iterdir()) == before


def test_static_activations_without_inputs(network: str, scheduler: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--grid", "grid.toml", "--activations", "static", "--scheduler", scheduler]
    assert sweep.main([network, *arguments]) == 1
    assert capsys.readouterr().err == (
        "cimc: error: activations=static needs calibration inputs: give them with --calibrate x.npz\n"
    )
    assert not Path("network.sweep").exists()
