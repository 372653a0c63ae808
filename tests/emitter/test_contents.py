"""Array contents: the weights of the tiles, zeros elsewhere, the same in memory and in a file without a name."""

import errno
import os
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation, Options, compile_network
from cimc.emitter import contents
from dialects.errors import UserError

Write = Callable[..., Path]
Check = Callable[..., Compilation]
TEXT = "g (float[n,6] x) => (float[n,7] z) { y = MatMul(x, v) r = Relu(y) z = MatMul(r, w) }"
GENERATOR = np.random.default_rng(0)
WEIGHTS = {name: GENERATOR.standard_normal(shape).astype(np.float32) for name, shape in (("v", (6, 9)), ("w", (9, 7)))}


@pytest.fixture
def file(onnx_file: Write) -> Path:
    return onnx_file(TEXT, WEIGHTS)


def test_every_tile_holds_its_part_of_the_weight(file: Path, compiled: Check) -> None:
    program = compiled(file).program
    matrices = [np.zeros((weight.rows, weight.columns)) for weight in program.weights]
    stored = 0
    for weight, array, row, column, rows, columns, k, n in program.tiles.tolist():
        part = program.arrays[array, row : row + rows, column : column + columns]
        matrices[weight][k : k + rows, n : n + columns] = part
        stored += int(np.abs(part.astype(int)).sum())
    for matrix, floats in zip(matrices, WEIGHTS.values(), strict=True):
        steps = np.abs(floats).max(axis=0) / 127
        np.testing.assert_allclose(matrix * steps, floats, atol=steps.max())
    assert stored == np.abs(program.arrays.astype(int)).sum()


def test_tiles_at_one_place_hold_the_same(file: Path, compiled: Check, tmp_path: Path) -> None:
    """A hand may have put others there."""
    ir = tmp_path / "ir"
    compiled(file, keep_ir=ir)
    (text,) = ir.glob("*place-tiles.mlir")
    places = re.findall(r"rows (\d+) to (\d+), columns (\d+) to (\d+) (in array .*)", text.read_text())
    sizes = [(int(b) - int(a), int(d) - int(c)) for a, b, c, d, _ in places]
    first, second = next((i, j) for i, j in combinations(range(len(sizes)), 2) if sizes[i] == sizes[j])
    text.write_text(text.read_text().replace(places[second][-1], places[first][-1]))
    with pytest.raises(UserError, match=r"node .*: the tile of weight @.* where other numbers lie: run place-tiles"):
        compile_network(text, Options())


def test_large_arrays_lie_in_a_file_without_a_name(
    file: Path, compiled: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = compiled(file).program
    expected.save(tmp_path / "memory.cim")
    monkeypatch.setattr(contents, "IN_MEMORY", 100)
    program = compiled(file, output=tmp_path / "file.cim").program
    assert np.array_equal(program.arrays, expected.arrays)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"network.onnx", "memory.cim", "program.cim", "reference.onnx"}
    program.save(tmp_path / "file.cim")
    assert (tmp_path / "file.cim").read_bytes() == (tmp_path / "memory.cim").read_bytes()


def test_a_disk_without_room(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(contents, "IN_MEMORY", 100)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(UserError) as error:
        compile_network(file, Options(chip="tiny-4", output=tmp_path / "p.cim"))
    assert str(error.value) == (
        f"{file}: {tmp_path}: has no room for 0.0 GB of array contents: no space left on device: "
        "expected as much space as the program takes, twice"
    )
