"""Weights that lie in the arrays several times: the bits of the reference, whatever copy multiplies a vector."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from cimc.compiler import Compilation
from cimc.machine.check import Reference, compare
from cimc.machine.machine import EngineName, Machine
from cimc.program.arrays.copies import copies_of_tiles
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.report.report import report_of

Check = Callable[..., Compilation]


def chain(file: Path, sizes: list[int], random: np.random.Generator) -> Path:
    """A network of dense layers of these sizes, at `file`."""
    weights = [random.normal(size=pair).astype(np.float32) for pair in pairwise(sizes)]
    nodes = [
        node
        for i in range(len(weights))
        for node in (
            helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"m{i}"], name=f"product{i}"),
            helper.make_node("Relu", [f"m{i}"], [f"x{i + 1}"], name=f"relu{i}"),
        )
    ]
    ends = [(f"x{i}", sizes[i]) for i in (0, len(weights))]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in ends]
    initializers = [numpy_helper.from_array(weight, f"w{i}") for i, weight in enumerate(weights)]
    graph = helper.make_graph(nodes, "chain", values[:1], values[1:], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    file.write_bytes(model.SerializeToString())
    return file


@pytest.mark.parametrize("seed", range(4))
def test_all_copies_compute_the_same(seed: int, compiled: Check, tmp_path: Path) -> None:
    """Random networks, with as many tokens as copies have turns, less and more, in both engines."""
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 11, int(random.integers(3, 5))).tolist()
    file = chain(tmp_path / "chain.onnx", sizes, random)
    program = compiled(file, objective="throughput", arrays=int(random.integers(30, 60))).program
    assert max(weight.copies for weight in program.weights) > 1
    flags = program.instructions["flags"][program.instructions["op"] == Opcode.MULTIPLY]
    assert flags.max() > 0
    reference = Reference(tmp_path / "reference.onnx")
    engines: list[EngineName] = ["fast", "reference"]
    machines = [Machine(program, engine) for engine in engines]
    packed = Machine(program, keep=False, threads=2, spot_check=20)
    for tokens in range(1, 8):
        x: dict[str, NDArray[np.float32]] = {"x0": random.normal(size=(tokens, sizes[0])).astype(np.float32)}
        expected = reference.run(x)
        for machine in (*machines, packed):
            comparison = compare(machine.run(x), expected)
            assert comparison.identical, str(comparison)
        assert machines[0].conversions == machines[1].conversions == packed.conversions


CONVOLUTIONS = """g (float[1,2,7,7] x) => (float[1,3] y) {
    a = Conv(x, w)  b = Relu(a)  c = Conv<strides = [2, 2]>(b, v)  d = Relu(c)  e = Flatten(d)  y = MatMul(e, u)
}"""


@pytest.mark.parametrize("arrays", [80, 120, 200])
def test_convolutions(arrays: int, compiled: Check, onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    """25, 4 and 1 vectors of an inference: copies of the first weight share them, and so an inference is shorter."""
    random = np.random.default_rng(0)
    shapes = {"w": (4, 2, 3, 3), "v": (3, 4, 3, 3), "u": (12, 3)}
    file = onnx_file(
        CONVOLUTIONS, {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    )
    single = report_of(compiled(file, objective="throughput", arrays=20).program)
    program = compiled(file, objective="throughput", arrays=arrays).program
    assert max(weight.copies for weight in program.weights) > 1
    x: dict[str, NDArray[np.float32]] = {"x": random.normal(size=(1, 2, 7, 7)).astype(np.float32)}
    expected = Reference(tmp_path / "reference.onnx").run(x)
    engines: list[EngineName] = ["fast", "reference"]
    for engine in engines:
        comparison = compare(Machine(program, engine).run(x), expected)
        assert comparison.identical, str(comparison)
    report = report_of(program)
    assert report.per == "inference"
    latencies = report.latency_ns["parameter"], single.latency_ns["parameter"]
    assert None not in latencies
    assert 0 < (latencies[0] or 0.0) < (latencies[1] or 0.0)
    assert report.array_work is not None
    assert report.array_work.without_copies_ns is not None
    assert report.array_work.busiest_ns < report.array_work.without_copies_ns


@pytest.fixture
def copied(compiled: Check, tmp_path: Path) -> Program:
    """A program with copies."""
    file = chain(tmp_path / "chain.onnx", [8, 8, 4], np.random.default_rng(0))
    return compiled(file, objective="throughput", arrays=40).program


def wrong_cell(program: Program) -> tuple[Program, int]:
    """A program in which a cell of a copy, not of the first one, holds another weight; and the array."""
    copies = copies_of_tiles(program.tiles, program.weights)
    tile = program.tiles[np.flatnonzero(copies)[0]]
    arrays = program.arrays.copy()
    arrays[tile[1], tile[2], tile[3]] ^= 1
    return replace(program, arrays=arrays), int(tile[1])


def test_a_wrong_cell_is_refused(copied: Program) -> None:
    program, array = wrong_cell(copied)
    with pytest.raises(ProgramError, match=rf"^copy \d+ of weight \d+ differs from copy 0 in array {array}$"):
        program.verify()


def unchecked(*_: object) -> None:
    """A check that finds nothing."""


def test_every_copy_is_read(copied: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong cell that is not refused is seen in the outputs, by as many tokens as there are copies."""
    monkeypatch.setattr("cimc.program.program.verify_copies", unchecked)
    program, _ = wrong_cell(copied)
    x = {"x0": np.random.default_rng(1).normal(size=(64, 8)).astype(np.float32)}
    expected = Machine(copied).run(x)
    engines: list[EngineName] = ["fast", "reference"]
    for engine in engines:
        assert not compare(Machine(program, engine).run(x), expected).identical
