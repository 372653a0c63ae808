"""What tests of sweeps share: a small network, grids from text, and a cluster inside this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster

from cimc.sweep.grid import Grid, read_grid
from cimc.sweep.run import Where

W = np.random.default_rng(0).standard_normal((8, 12)).astype(np.float32)


@pytest.fixture
def network(onnx_file: Callable[..., Path]) -> Path:
    """Two dense multiplications, of 8x12 and of 12x8."""
    text = "g (float[n,8] x) => (float[n,8] y) { [up] h = MatMul(x, w)  r = Relu(h)  [down] y = MatMul(r, v) }"
    return onnx_file(text, {"w": W, "v": W.T.copy()})


@pytest.fixture
def grid(tmp_path: Path) -> Callable[[str], Grid]:
    """Writes a grid file and reads it; the figures to compare points by are two that every program has."""

    def read(text: str) -> Grid:
        file = tmp_path / "grid.toml"
        goals = "" if "[pareto]" in text else '\n[pareto]\nminimize = ["latency_ns.parameter", "arrays"]'
        file.write_text(text + goals)
        return read_grid(file)

    return read


@pytest.fixture(scope="session")
def threads() -> Iterator[Where]:
    """A cluster whose two workers are threads of this process, addressed as one on other machines is."""
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        yield Where(scheduler=cluster.scheduler_address)
