"""The energy of multiplications in arrays: by component, record and tile, which add up to the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.cost.array_cost import tile_energies, tiles_of_records
from cimc.report.cost.program_cost import add, cost_of

Compiled = Callable[..., Compilation]
Write = Callable[..., Path]


def test_energies_of_tiles_and_layers_add_up(onnx_file: Write, compiled: Compiled) -> None:
    rng = np.random.default_rng(0)
    weights = {
        "w": rng.standard_normal((10, 7)).astype(np.float32),
        "v": rng.standard_normal((7, 3)).astype(np.float32),
    }
    network = onnx_file("g (float[n,10] x) => (float[n,3] y) { h = MatMul(x, w)  y = MatMul(h, v) }", weights)
    for mapping in ("linear", "spread"):
        program = compiled(network, mapping=mapping).program
        found = cost_of(program).arrays
        tiles = tile_energies(program, found)
        assert tiles is not None
        assert (tiles > 0).all()
        assert tiles.sum() == pytest.approx(add(found.components().values()))
        of_first = found.records["y"] == program.multiplications[0].y
        first_tiles = program.tiles[:, 0] == program.multiplications[0].weight
        assert tiles[first_tiles].sum() == pytest.approx(add(found.components(of_first).values()))


@pytest.mark.parametrize("mapping", ["sparsemap", "densemap", "spread"])
def test_the_tile_that_a_record_reads(onnx_file: Write, compiled: Compiled, handmade: Program, mapping: str) -> None:
    """The one that it lies within, where several begin in its column."""
    blocks = np.kron(np.eye(8), np.ones((2, 2))).astype(np.float32) * np.arange(1, 17, dtype=np.float32)
    file = onnx_file("g (float[n,16] x) => (float[n,16] y) { y = MatMul(x, w) }", {"w": blocks})
    for program in (handmade, compiled(file, mapping=mapping).program):
        records = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
        for number, record in zip(tiles_of_records(program, records).tolist(), records):
            _, array, row, column, rows, columns, *_ = program.tiles[number].tolist()
            assert (array, column) == (record["array"], record["column"])
            assert row <= record["row"]
            assert record["row"] + record["rows"] <= row + rows
            assert record["columns"] == columns


def test_records_of_tiles_at_one_place(onnx_file: Write, compiled: Compiled) -> None:
    """Each reads the tile of its own weight and elements."""
    same = np.kron(np.eye(3), np.arange(16).reshape(4, 4)).astype(np.float32)
    network = onnx_file(
        "g (float[n,12] x) => (float[n,12] z) { y = MatMul(x, w) s = Softmax(y) z = MatMul(s, v) }",
        {"w": same, "v": np.ascontiguousarray(same[:, ::-1])},
    )
    program = compiled(network).program
    records = program.instructions[program.instructions["op"] == Opcode.MULTIPLY]
    tiles = program.tiles[tiles_of_records(program, records)]
    assert len(np.unique(program.tiles[:, 1:4], axis=0)) < len(program.tiles)
    weight_of = {m.y: m.weight for m in program.multiplications}
    assert tiles[:, 0].tolist() == [weight_of[y] for y in records["y"].tolist()]
    assert np.array_equal(tiles[:, 7], records["n"])
    assert ((tiles[:, 6] <= records["k"]) & (records["k"] + records["rows"] <= tiles[:, 6] + tiles[:, 4])).all()


def test_energies_of_tiles_are_not_known_without_all_components(handmade: Program) -> None:
    assert tile_energies(handmade, cost_of(handmade).arrays) is None
