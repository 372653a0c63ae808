"""From one token to the next: the interval of the modulo schedule against the busiest resource, copies against what all
arrays have to do.

The milliseconds are CPU time to make schedules, and to compile with copies.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import cimc
from passes.analysis.objectives import Objective

AddRow = Callable[..., None]
MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"
LLAMA = Path(__file__).with_name("llama_shape.py")
SHAPE = (2, 256, 704, 512, 4)
"""Of the small llama: layers, width, hidden, vocabulary, heads."""
TARGET = 1.05


@pytest.fixture(params=[1, 2], ids=["1 buffer", "2 buffers"])
def chip(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[int, Path]:
    """`pcm-256` with so many sets of registers an array: how many, and its file."""
    text = (resources.files("cimc.hardware") / "chips" / "pcm-256.toml").read_text()
    file = tmp_path / "pcm-256.toml"
    file.write_text(text.replace("\nrows = 256\n", f"\nrows = 256\nbuffers = {request.param}\n"))
    return request.param, file


@pytest.mark.parametrize(
    ("objective", "arrays"), [("arrays", 19), ("latency", 19), ("throughput", 19), ("throughput", 60)]
)
def test_monarch_lm(objective: Objective, arrays: int, chip: tuple[int, Path], row: AddRow) -> None:
    _interval(row, "monarch_lm", MONARCH_LM, chip, objective, arrays)


@pytest.mark.parametrize(("objective", "arrays"), [("arrays", 64), ("throughput", 64)])
def test_llama(objective: Objective, arrays: int, chip: tuple[int, Path], row: AddRow, tmp_path: Path) -> None:
    subprocess.run([sys.executable, LLAMA, tmp_path / "llama", *map(str, SHAPE)], check=True)
    _interval(row, "small llama", tmp_path / "llama" / "model.onnx", chip, objective, arrays)


def _interval(row: AddRow, name: str, model: Path, chip: tuple[int, Path], objective: Objective, arrays: int) -> None:
    """The schedules of arrays alone, and of all, that a report makes."""
    buffers, file = chip
    program, start = cimc.compile(model, chip=file, objective=objective, arrays=arrays), time.process_time()
    report = program.report()
    seconds = time.process_time() - start
    for part, times in report.prefill.items():
        assert times is not None
        assert times["proved"]
        row(
            f"interval: {name}, {objective}, {arrays}, buffers {buffers}, {part}",
            seconds=seconds, ratio=times["interval_over_load"], against=f"the load of {times['busiest']}",
            target=TARGET,
        )  # fmt: skip


@pytest.mark.parametrize("arrays", [30, 60, 120])
@pytest.mark.parametrize("digital", [None, "published"])
def test_copies_of_monarch_lm(digital: str | None, arrays: int, row: AddRow) -> None:
    """With the published constants vectors contend for links."""
    _copies(row, "monarch_lm" if digital is None else "monarch_lm, links", MONARCH_LM, arrays, digital)


@pytest.mark.parametrize(
    ("sizes", "arrays"),
    [
        ((256, 256, 64), 8),
        ((256, 256, 256, 64, 256), 16),
        ((256, 128, 512, 128, 256), 24),
        ((256, 256, 256, 256, 64, 64, 256), 24),
    ],
)
def test_copies_of_a_chain(
    sizes: Sequence[int], arrays: int, row: AddRow, chain: Callable[[Sequence[int], np.random.Generator], Path]
) -> None:
    _copies(row, "x".join(map(str, sizes)), chain(sizes, np.random.default_rng(0)), arrays)


CONVOLUTIONS = """g (float[1,3,32,32] x) => (float[1,10] y) {
    a = Conv<pads = [1,1,1,1]>(x, w0)  b = Relu(a)  c = MaxPool<kernel_shape = [2,2], strides = [2,2]>(b)
    d = Conv<pads = [1,1,1,1]>(c, w1)  e = Relu(d)  f = MaxPool<kernel_shape = [2,2], strides = [2,2]>(e)
    h = Conv<pads = [1,1,1,1]>(f, w2)  i = Relu(h)  j = MaxPool<kernel_shape = [2,2], strides = [2,2]>(i)
    k = Conv<pads = [1,1,1,1]>(j, w3)  l = Relu(k)  m = Flatten(l)  n = MatMul(m, v0)  o = Relu(n)  y = MatMul(o, v1)
}"""
SHAPES = {"w0": (32, 3, 3, 3), "w1": (64, 32, 3, 3), "w2": (128, 64, 3, 3), "w3": (128, 128, 3, 3)}
LAYERS = {"v0": (2048, 512), "v1": (512, 10)}


@pytest.mark.parametrize("arrays", [25, 32, 48, 64, 128, 200])
def test_copies_of_convolutions(arrays: int, row: AddRow, onnx_file: Callable[..., Path]) -> None:
    """Several vectors an inference: all copies work at the same time, so one inference is shorter, too."""
    random = np.random.default_rng(0)
    weights = {
        name: (random.standard_normal(shape) * 0.1).astype(np.float32) for name, shape in (SHAPES | LAYERS).items()
    }
    model = onnx_file(CONVOLUTIONS, weights)
    start = time.process_time()
    program = cimc.compile(model, objective="throughput", arrays=arrays)
    seconds = time.process_time() - start
    report = program.report()
    work, once = report.array_work, cimc.compile(model, arrays=arrays).report().latency_ns["parameter"]
    assert work is not None
    assert once is not None
    name = f"copies: convolutions on {arrays}"
    row(
        f"{name}, busiest array", seconds=seconds,
        ratio=work.busiest_ns * arrays / (work.average_ns * report.arrays),
        against="the work of all arrays over their number", target=TARGET,
    )  # fmt: skip
    row(
        f"{name}, one inference", ratio=(report.latency_ns["parameter"] or 0.0) / once,
        against="the default objective", target=1,
    )  # fmt: skip


def _copies(row: AddRow, name: str, model: Path, arrays: int, digital: str | None = None) -> None:
    """The busiest array, and the interval that comes of it, against the work of all arrays over their number."""
    start = time.process_time()
    program = cimc.compile(model, objective="throughput", arrays=arrays, digital=digital)
    seconds = time.process_time() - start
    report = program.report()
    work, times = report.array_work, report.prefill["parameter"]
    assert work is not None
    assert times is not None
    average = work.average_ns * report.arrays / arrays
    for what, figure in (("busiest array", work.busiest_ns), ("interval", times["interval_ns"])):
        row(
            f"copies: {name} on {arrays}, {what}", seconds=seconds, ratio=figure / average,
            against="the work of all arrays over their number", target=TARGET,
        )  # fmt: skip
