"""Memory of mapped files is given back, and what was in it is still there."""

from pathlib import Path

import numpy as np

from cimc.program.container import Container, read_container, write_container
from cimc.program.mapped import portions, release


def resident() -> int:
    """Bytes of mapped files that this process has in memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssFile"))


def test_release(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 256, (64, 1 << 20), dtype=np.uint8)
    write_container(tmp_path / "t", Container("{}", {"data": data}))
    mapped = read_container(tmp_path / "t").tensors["data"]
    np.testing.assert_array_equal(mapped, data)
    before = resident()
    release(mapped[3:5].view(np.int8))
    assert before - resident() > data.nbytes // 2
    np.testing.assert_array_equal(mapped, data)


def test_release_of_other_memory() -> None:
    data = np.arange(1000)
    release(data[10:20])
    assert data.sum() == 499500


def test_portions() -> None:
    data = np.random.default_rng(0).integers(0, 1 << 60, (3, 1 << 20))[:, ::-1]
    assert b"".join(portions(data)) == data.tobytes()
    assert [len(portion) for portion in portions(data)] == [1 << 24, (3 << 23) - (1 << 24)]
    assert list(portions(data[:0])) == []
