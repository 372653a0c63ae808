from pathlib import Path

import numpy as np
import pytest
from numba.core import config
from numpy.typing import NDArray

from cimc.machine.fast import compiled
from cimc.machine.fast.compilation import compilation_told
from cimc.machine.fast.compiled import kept
from cimc.machine.fast.loop_files import FOLDER
from cimc.machine.fast.loops import Loop


def triple(x: NDArray[np.int64]) -> int:
    return 3 * len(x)


@pytest.fixture(autouse=True)
def _nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled.forget_stale_loops.cache_clear()
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setenv(FOLDER, str(tmp_path))


def test_once() -> None:
    """Of a loop of numba's: what is kept is not compiled again."""
    said: list[bool] = []
    with compilation_told(said.append):
        assert kept(triple)(np.zeros(2, np.int64)) == 6
        assert kept(triple)(np.zeros(3, np.int64)) == 9
    assert said == [True, False]
    kept(triple)(np.zeros((2, 2), np.int64))
    assert said == [True, False]  # nobody listens


def test_loops_that_numba_is_not_needed_for() -> None:
    said: list[bool] = []
    numbers = np.zeros(1, np.int64)
    with compilation_told(said.append):
        for _ in range(2):
            assert Loop(__name__, "triple").prepared(numbers)() == 3
    assert said == [True, False]
