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
from cimc.program.arrays.formats import Format
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


FORMATS = """builtin.module attributes {hardware.chip = #hardware.chip<"c", rows = 4, columns = 4, cell_bits = 2,
    dac_bits = 1, adc_bits = 8, adcs = 1, encoding = "auto", settle_ns = 10.0, adc_kind = "sar", adc_step_ns = 1.0,
    transfer_ns = 5.0, digital_units = 1, add_ns = 2.0>} {
  cim.weight @a = dense<[[-9, 3], [-7, 2], [-9, 3]]> : tensor<3x2xi8>
  cim.weight @b = dense<[[100, -3], [-100, 2], [9, 3]]> : tensor<3x2xi8>
  cim.weight @c = dense<[[3, -3], [-4, 2], [0, 3]]> : tensor<3x2xi8>
  func.func @main(%x: tensor<?x3xui8>) -> (tensor<?x2xi32>, tensor<?x2xi32>, tensor<?x2xi32>) {
    %a = array.multiply %x of 5 bits by @a in 4 bits "offset" {
      tile 0: rows 0 to 2, columns 0 to 1 in array 2 at row 0, column 0 } : tensor<?x3xui8> -> tensor<?x2xi32>
    %b = array.multiply %x by @b {
      tile 0: rows 0 to 2, columns 0 to 1 in array 1 at row 0, column 0 } : tensor<?x3xui8> -> tensor<?x2xi32>
    %c = array.multiply %x by @c in 3 bits "twos-complement" {
      tile 0: rows 0 to 2, columns 0 to 1 in array 3 at row 0, column 0 } : tensor<?x3xui8> -> tensor<?x2xi32>
    func.return %a, %b, %c : tensor<?x2xi32>, tensor<?x2xi32>, tensor<?x2xi32>
  }
}"""


def test_programs_carry_formats_and_offsets(tmp_path: Path) -> None:
    file = tmp_path / "formats.mlir"
    file.write_text(FORMATS)
    program = compile_network(file, Options(measure=False, passes="schedule-arrays")).program
    formats = [Format(8, "offset"), Format(4, "offset"), Format(3, "twos-complement")]
    assert (program.formats, program.array_formats.tolist()) == (formats, [0, 0, 1, 2])
    assert program.offsets.tolist() == [9, 8, 128, 128, 0, 0]
    assert [m.input_bits for m in program.multiplications] == [5, 8, 8]


def test_numbers_that_do_not_fit_their_format(tmp_path: Path) -> None:
    file = tmp_path / "formats.mlir"
    file.write_text(FORMATS.replace("in 4 bits", "in 2 bits").replace("-7", "-1"))
    with pytest.raises(UserError) as error:
        compile_network(file, Options(measure=False, passes="schedule-arrays"))
    assert str(error.value) == (
        f"{file}: node 'array.multiply': weight @a does not fit 2 bits, offset: it has -9 and -1 in one column, 2 bits "
        "hold 4 numbers: run choose-formats and place-tiles on IR from before them"
    )


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
