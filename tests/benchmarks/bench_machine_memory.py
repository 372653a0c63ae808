"""What the machine needs besides time: memory, seconds of compilation at the first call ever, and a second thread."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from cimc.machine.fast.engine import FastEngine
from cimc.paper.shapes import NETWORKS, dense_tiles
from cimc.program.program import Program
from cimc.program.records import Opcode
from passes.analysis.places import Placement
from passes.place_tiles.analysis.table import MAPPINGS

AddRow = Callable[..., None]
MakeProgram = Callable[[Sequence[Placement], int], Program]
GPT2_MEDIUM = NETWORKS[1]
SIDE = 256
BITS = {"lossless": 9, "every conversion": 8}

RESIDENT = """
import gc, sys
from cimc.machine.fast.engine import FastEngine
from cimc.program.program import Program

def resident():
    gc.collect()
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmRSS"))

before = resident()
program = Program.load(sys.argv[1])
engine = FastEngine(program, threads=1)
print((resident() - before) / program.arrays.size)
"""
MOST = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "cimc.commands.run_program", sys.argv[1]], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
"""A process of its own starts `cim-run`: a child counts what its parent had when it was made."""
FIRST_CALL = """
import sys, time
import numpy as np
from cimc.machine.fast.engine import FastEngine
from cimc.program.program import Program

program = Program.load(sys.argv[1])
start = time.process_time()
engine = FastEngine(program, threads=1)
engine.multiply(0, len(engine.instructions), np.ones((5, 4), np.int8), np.zeros((5, 3), np.int32))
print(time.process_time() - start)
"""


@pytest.fixture(scope="module")
def files(make_program: MakeProgram, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """GPT-2-medium, dense, as programs of 302 MB that cannot clip, and that could anywhere."""
    placements = MAPPINGS["linear"](dense_tiles(GPT2_MEDIUM, SIDE), SIDE, SIDE)
    program = make_program(placements, 8)
    paths: dict[str, Path] = {}
    for what, bits in BITS.items():
        program.instructions["adc_bits"][program.instructions["op"] == Opcode.MULTIPLY] = bits
        paths[what] = tmp_path_factory.mktemp("programs") / f"{bits}.cim"
        program.save(paths[what])
    return paths


@pytest.mark.parametrize("what", BITS)
def test_resident_state(what: str, files: dict[str, Path], row: AddRow) -> None:
    """What the process grows by when it loads and prepares a program, a byte being a weight's in the file."""
    run = [sys.executable, "-c", RESIDENT, files[what]]
    grown = float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    row(f"GPT-2-medium, dense: resident state, {what}", ratio=grown, against="1 byte a weight", target=1.3)


@pytest.mark.parametrize("what", BITS)
def test_memory_of_cim_run(what: str, files: dict[str, Path], row: AddRow) -> None:
    """The most memory that `cim-run` has at a time, python and its libraries included."""
    start = time.perf_counter()
    run = [sys.executable, "-c", MOST, files[what]]
    most = int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    seconds, size = time.perf_counter() - start, files[what].stat().st_size
    assert most > 1 << 24
    row(f"cim-run, 302 MB: memory, {what}", seconds=seconds, ratio=most / size, against="size of the file", target=1.5)


def test_first_call(handmade: Program, tmp_path: Path, row: AddRow) -> None:
    """CPU seconds of compilation, with an empty cache of numba's, and after that from the cache."""
    multiplies = handmade.instructions["op"] == Opcode.MULTIPLY
    handmade.instructions["adc_bits"][np.flatnonzero(multiplies)[0]] = 1
    handmade.save(tmp_path / "made.cim")
    found: list[float] = []
    for _ in range(2):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        run = [sys.executable, "-c", FIRST_CALL, tmp_path / "made.cim"]
        found.append(float(subprocess.run(run, env=environment, check=True, capture_output=True, text=True).stdout))
    row("first call ever: compilation", seconds=found[0], ratio=found[0], against="1 s", target=10)
    row("first call, compiled before", seconds=found[1], ratio=found[1], against="1 s", target=0.5)


@pytest.mark.parametrize("what", BITS)
def test_two_threads(what: str, files: dict[str, Path], row: AddRow) -> None:
    """Time on the wall with two threads, of that with one."""
    program = Program.load(files[what])
    first, last = _longest_step(program)
    rows = program.weights[-1].rows
    x = np.random.default_rng(0).integers(0, 256, (64, rows), np.uint8)
    engines = [FastEngine(program, program.instructions[first:last], threads=threads) for threads in (1, 2)]
    times: list[list[float]] = [[], []]
    results = [np.zeros((64, program.weights[-1].columns), np.int32) for _ in engines]
    for _ in range(15):
        for found, engine, y in zip(times, engines, results, strict=True):
            start = time.perf_counter()
            engine.multiply(0, last - first, x, y)
            found.append(time.perf_counter() - start)
    np.testing.assert_array_equal(results[0], results[1])
    one, two = map(statistics.median, times)
    row(f"64 vectors, 4096x1024, two threads, {what}", seconds=two, ratio=two / one, against="one thread", target=None)


def _longest_step(program: Program) -> tuple[int, int]:
    """The MULTIPLY records of the last weight."""
    last = len(program.instructions)
    return int(np.flatnonzero(program.instructions["op"] == Opcode.CLEAR)[-1]) + 1, last
