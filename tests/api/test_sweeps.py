"""Sweeps from Python: rows as they stand in the table of the results."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cimc

Write = Callable[..., Path]
ANY: Any = cimc.run_sweep


@pytest.fixture
def network(onnx_file: Write) -> Path:
    w = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    return onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": w})


def test_rows(network: Path, tmp_path: Path) -> None:
    grid, seen = tmp_path / "grid.toml", list[int]()
    grid.write_text('chip = ["tiny-4"]\nmapping = ["linear", "spread"]\n')
    rows = cimc.run_sweep(
        network, grid, tmp_path / "out", processes=1, dims={"n": 2}, progress=lambda now: seen.append(now.finished)
    )
    programs = [cimc.compile(network, chip="tiny-4", mapping=name, dims={"n": 2}) for name in ("linear", "spread")]
    expected = [(program.mapping, program.report().arrays, None) for program in programs]
    assert [(row["mapping"], row["arrays"], row["error"]) for row in rows] == expected
    assert rows[0].keys() == rows[1].keys()
    assert seen[-1] == 2
    assert cimc.run_sweep(network, grid, tmp_path / "out", dims={"n": 2}) == rows, "no point runs again"


def test_mistakes(network: Path, tmp_path: Path) -> None:
    with pytest.raises(cimc.UserError, match=r"none.toml"):
        cimc.run_sweep(network, tmp_path / "none.toml", tmp_path / "out")
    with pytest.raises(cimc.UserError, match=r"^activations='word' is unknown: expected one of token, tensor, static$"):
        ANY(network, tmp_path / "none.toml", tmp_path / "out", activations="word")
