"""Compiled loops that are called without numba: arguments, results, and calls that are made again."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.machine.fast.loops import Loop

RUN = """
import sys
import numpy as np
from cimc.machine.fast.loops import Loop
x = np.arange(6, dtype=np.int16).reshape(2, 3)
print(Loop(sys.argv[1], "weighted")(x, np.ones(1, [("a", "<u2"), ("b", "<i8")]), -2), "numba" in sys.modules)
"""
SOURCE = """
def weighted(x, records, factor):
    total = 0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            total += x[i, j] * records[0]["b"]
    return total * factor
"""


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loop:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "code"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "sources_of_a_loop.py").write_text(SOURCE)
    return Loop("sources_of_a_loop", "weighted")


def records(b: int) -> NDArray[np.void]:
    return np.array([(7, b)], [("a", "<u2"), ("b", "<i8")])


def test_arrays_and_numbers(loop: Loop) -> None:
    x = np.arange(6, dtype=np.int16).reshape(2, 3)
    assert loop(x, records(-3), 2) == -90
    x.flags.writeable = False
    assert loop(x, records(1), 1 << 40) == 15 << 40


def test_other_types_are_other_code(loop: Loop) -> None:
    """A loop is compiled for each kind of array that it is given."""
    assert loop(np.full((1, 2), 200, np.uint8), records(1), 1) == 400
    assert loop(np.full((1, 2), -56, np.int8), records(1), 1) == -112


def test_calls_that_are_made_again(loop: Loop) -> None:
    x = np.arange(6, dtype=np.int64).reshape(2, 3)
    call = loop.prepared(x, records(1), 1)
    assert [call(), call()] == [15, 15]
    x[:] = 1
    assert call() == 6


def test_arrays_with_gaps_are_a_mistake_of_ours(loop: Loop) -> None:
    with pytest.raises(AssertionError):
        loop(np.zeros((2, 6), np.int64)[:, ::2], records(1), 1)


def test_kept_code_needs_no_numba(loop: Loop) -> None:
    """The first process compiles, the second only loads."""
    command = [sys.executable, "-c", RUN, loop.module]
    answers = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
    assert answers == ["-30 True\n", "-30 False\n"]
