"""Pages of mapped files are given back once much was handed out, and what was in them is still there."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from dialects import mapped_memory
from dialects.element_types import Array
from dialects.mapped_memory import TouchedFiles, mapping_of, release


@pytest.fixture
def mapped(tmp_path: Path) -> Array:
    (tmp_path / "data").write_bytes(bytes(range(256)) * 4096)
    return np.asarray(np.memmap(tmp_path / "data", np.uint8, "r"))


def test_views_of_a_mapped_file_have_its_mapping(mapped: Array) -> None:
    assert isinstance(mapping_of(mapped), mmap.mmap)
    assert mapping_of(mapped[10:].view(np.int8).reshape(2, -1)) is mapping_of(mapped)
    assert mapping_of(mapped.copy()) is None


def test_what_is_released_is_still_there(mapped: Array) -> None:
    release(mapping_of(mapped))
    release(None)
    assert mapped[:256].tolist() == list(range(256))


def test_all_is_released_where_it_becomes_too_much(mapped: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[mmap.mmap | None] = []
    monkeypatch.setattr(mapped_memory, "release", released.append)
    touched = TouchedFiles(1000)
    for size, times in ((600, 0), (400, 0), (1, 1), (2000, 2), (999, 3), (10**6, 4)):
        touched.note(mapped[:size])
        touched.note(np.zeros(5000))
        assert released == times * [mapping_of(mapped)]


def test_all_is_released_on_demand_and_once(mapped: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    released: list[mmap.mmap | None] = []
    monkeypatch.setattr(mapped_memory, "release", released.append)
    touched = TouchedFiles(1000)
    touched.note(mapped[:900])
    for _ in range(2):
        touched.release()
        assert released == [mapping_of(mapped)]
    touched.note(mapped[:900])  # counted anew
    assert released == [mapping_of(mapped)]
