"""Networks of Llama 2's shape with 1.1 and 6.7 billion weights: memory and time a weight to compile, run and report.

The larger one needs 35 GB of disk: the network 13.5, the program 7.2, and as much again while it is written.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cimc.program.container import read_container

AddRow = Callable[..., None]
MAKER = Path(__file__).with_name("llama_shape.py")
SIZES = {"1.2 billion": (20, 2048, 5632, 32000, 32), "6.7 billion": (32, 4096, 11008, 32000, 32)}
TOKEN = ("total=513", "sequence=1", "past=512")
MEASURE = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), used.ru_utime + used.ru_stime)
"""
"""A process of its own starts the command: a child counts what its parent had when it was made."""
GB, PAGE = 1e9, 5e6
ALLOWED = {"1.2 billion": 3, "6.7 billion": 6}
"""GB of memory to compile."""
_seconds: dict[str, float] = {}
"""CPU seconds a weight to compile."""


@pytest.fixture(params=SIZES)
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The size, and a folder with `model.onnx`, which is deleted with all that is made of it."""
    folder = tmp_path / "network"
    subprocess.run([sys.executable, MAKER, folder, *map(str, SIZES[request.param])], check=True)
    yield request.param, folder
    shutil.rmtree(folder)


def test_compile_run_and_report(network: tuple[str, Path], row: AddRow) -> None:
    size, folder = network
    program, page = folder / "p.cim", folder / "page.html"

    def measured(what: str, *command: object, allowed: float | None = None) -> float:
        run = [sys.executable, "-c", MEASURE, *map(str, command)]
        output = subprocess.run(run, check=True, capture_output=True, text=True).stdout
        memory, seconds = map(float, output.split())
        row(f"{size}, {what}: memory", ratio=memory / GB, seconds=seconds, against="1 GB", target=allowed)
        return seconds

    seconds = measured(
        "compile", "cimc.commands.compile_model", folder / "model.onnx", "-o", program, allowed=ALLOWED[size]
    )
    weights = read_container(program).tensors["arrays"].size
    _seconds[size] = seconds / weights
    row(f"{size}, compile", ratio=1e9 * seconds / weights, against="1 ns of CPU a weight", target=100)
    if len(_seconds) == len(SIZES):
        first, last = (_seconds[name] for name in SIZES)
        row("compile 6 times as many weights: growth", ratio=last / first, against="time a weight", target=1.3)
    dims = [part for dim in TOKEN for part in ("--dim", dim)]
    measured("one token", "cimc.commands.run_program", program, *dims, allowed=3)
    measured("report", "cimc.commands.report_program", program, "-o", page, *dims, allowed=3)
    row(f"{size}, page", ratio=page.stat().st_size / PAGE, against="5 MB", target=1)
