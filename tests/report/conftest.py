"""Programs to report on, compiled once, for tests only read them: with shared weights and partial sums, and with
thousands of arrays."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Compilation, Options, compile_network
from cimc.program.arrays.formats import Format, first_offsets, midpoints
from cimc.program.program import Program
from cimc.report.figures.figure import Panel
from cimc.report.study import Study, studies_of

NETWORK = """g (float[n,4] x) => (float[n,6] y) {
    [first] a = MatMul(x, w)  b = Neg(x)  [again] c = MatMul(b, w)  d = Add(a, c)  [last] y = MatMul(d, v)
}"""


@pytest.fixture(scope="session")
def program(
    write_network: Callable[..., Path],
    compile_checked: Callable[..., Compilation],
    tmp_path_factory: pytest.TempPathFactory,
) -> Program:
    """Two layers that share a weight of 4x6, then one with a weight of 6x6, in arrays of 4x4."""
    generator = np.random.default_rng(0)
    w, v = (generator.standard_normal(shape).astype(np.float32) for shape in ((4, 6), (6, 6)))
    folder = tmp_path_factory.mktemp("program")
    file = write_network(folder / "network.onnx", NETWORK, {"w": w, "v": v})
    program = compile_checked(folder, file, mapping="linear").program
    for shared in (program.arrays, program.tiles, program.instructions, program.operations):
        shared.flags.writeable = False  # a test that changes one would change it for those after it
    return program


@pytest.fixture
def mixed(program: Program) -> Program:
    """The same program with three formats: the shared weight in 4-bit arrays, tiles of 2 rows in 3-bit differential."""
    weight, array, rows = (program.tiles[:, i] for i in (0, 1, 4))
    formats = [Format(8, "offset"), Format(4, "offset"), Format(3, "differential")]
    array_formats = np.zeros(len(program.arrays), np.uint8)
    array_formats[array[rows == 2]] = 2
    array_formats[array[weight == program.multiplications[0].weight]] = 1
    most = np.array([127, 7, 3])[array_formats, None, None]
    offsets = midpoints(program.tiles, formats, array_formats)
    offsets[int(first_offsets(program.tiles)[np.flatnonzero(weight == program.multiplications[0].weight)[0]])] = 3
    inputs = [replace(m, input_bits=5) if m.node == "last" else m for m in program.multiplications]
    arrays = np.clip(program.arrays, -most - 1, most).astype(np.int8)
    return replace(
        program, arrays=arrays, formats=formats, array_formats=array_formats, offsets=offsets, multiplications=inputs
    )


@pytest.fixture(scope="session")
def study(program: Program) -> Study:
    (study,) = studies_of({"p.cim": program})
    return study


@pytest.fixture
def empty_study(onnx_file: Callable[..., Path], compiled: Callable[..., Compilation]) -> Study:
    """A network without multiplications: no arrays, no layers."""
    program = compiled(onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }")).program
    (study,) = studies_of({"empty.cim": program})
    return study


@pytest.fixture(scope="session")
def big_study(write_network: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Study:
    """As many arrays as BERT-large takes without structure: 4608, of 4x4."""
    return _chain(write_network, tmp_path_factory.mktemp("big"), [48, 64] * 12 + [48])


@pytest.fixture
def huge_study(write_network: Callable[..., Path], tmp_path: Path) -> Study:
    """As many arrays as seven billion weights take on arrays of 256x256: 102,400, of 4x4."""
    return _chain(write_network, tmp_path, [640] * 5)


def _chain(write_network: Callable[..., Path], folder: Path, sizes: Sequence[int]) -> Study:
    """Layers one after the other, each from a vector of one size to one of the next."""
    generator = np.random.default_rng(0)
    weights = {
        f"w{i}": generator.standard_normal((sizes[i], sizes[i + 1])).astype(np.float32) / 8
        for i in range(len(sizes) - 1)
    }
    steps = " ".join(f"[layer{i}] h{i + 1} = MatMul(h{i}, w{i})" for i in range(len(weights)))
    ports = f"(float[n,{sizes[0]}] h0) => (float[n,{sizes[-1]}] h{len(weights)})"
    file = write_network(folder / "big.onnx", f"g {ports} {{ {steps} }}", weights)
    options = Options(chip="tiny-4", mapping="linear", arrays=200_000, measure=False)
    (study,) = studies_of({"big.cim": compile_network(file, options).program})
    return study


@pytest.fixture
def rows() -> Callable[[Panel, str], list[dict[str, str]]]:
    """The rows of the data set of a chart that has a column of the given name."""

    def found(panel: Panel, column: str) -> list[dict[str, str]]:
        tables = [list(csv.DictReader(io.StringIO(text))) for text in panel.spec()["datasets"].values()]
        (own,) = (table for table in tables if table and column in table[0])
        return own

    return found


@pytest.fixture
def reloaded_study(reloaded: Program) -> Study:
    """Three weights of 4 arrays each, that pass through 4 arrays one after the other."""
    (study,) = studies_of({"reloaded.cim": reloaded})
    return study
