"""Weights that pass through a chip of few arrays in parts: the bits of the reference, a schedule that can be kept."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from cimc.compiler import Compilation
from cimc.machine.check import Reference, compare
from cimc.machine.machine import EngineName, Machine
from cimc.program.arrays.formats import slices_of, usual_format
from cimc.program.errors import ProgramError
from cimc.program.program import Program
from cimc.program.records import Opcode
from cimc.program.schedule.checker import verify_schedule
from cimc.report.report import report_of
from cimc.report.texts.text import summary_lines
from dialects.chip.formats import ENCODINGS
from dialects.errors import UserError
from passes.analysis.objectives import OBJECTIVES
from passes.place_tiles.analysis.choices import MAPPING_NAMES

Check = Callable[..., Compilation]
Write = Callable[..., Path]
MONARCH_LM = Path(__file__).parents[2] / "examples" / "monarch_lm" / "monarch_lm.onnx"
MODELS = Path(__file__).parents[1] / "models"
CHIPS = Path(__file__).parents[2] / "cimc" / "hardware" / "chips"
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
BITS = (8, 4, 2)


def loads(program: Program) -> NDArray[np.void]:
    return program.instructions[program.instructions["op"] == Opcode.LOAD]


@pytest.mark.parametrize("seed", range(5))
def test_random_networks_on_few_arrays(seed: int, compiled: Check, chain: Write, tmp_path: Path) -> None:
    """Whatever objective and mapping: as many arrays as the largest weight needs, and a few more."""
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 11, int(random.integers(4, 7))).tolist()
    file = chain(sizes, random)
    chosen = [*({"objective": aim} for aim in OBJECTIVES), {"mapping": "linear"}, {"mapping": "densemap"}][seed]
    most = max(-(-rows // 4) * -(-columns // 4) for rows, columns in pairwise(sizes))
    arrays = most + int(random.integers(0, 2))
    program = compiled(file, reload=True, arrays=arrays, **chosen).program
    assert len(loads(program)) > 1
    assert loads(program)["n"].max() <= arrays
    verify_schedule(program)
    x = {"x0": random.normal(size=(5, sizes[0])).astype(np.float32)}
    comparison = compare(Machine(program).run(x), Reference(tmp_path / "reference.onnx").run(x))
    assert comparison.identical, str(comparison)


def test_a_language_model_on_eight_arrays(compiled: Check) -> None:
    program = compiled(MONARCH_LM, chip="pcm-256", arrays=8, reload=True).program
    report = report_of(program)
    assert report.reload is not None
    assert (report.reload.loads, report.reload.arrays, report.reload.writes) == (3, 8, 3.0)
    assert report.reload.time_ns == loads(program)["rows"].sum() * 1500
    assert report.reload.energy_pj == report.energy_components_pj["program"] == report.stored_weights * 4 * 168
    total = report.latency_ns["total"]
    assert total is not None
    assert total > (report.reload.time_ns or 0.0)
    lines = list(summary_lines(report))
    assert any(
        line.startswith("reload        3 loads of at most 8 arrays, 3 writes of a cell a token") for line in lines
    )
    assert (
        "endurance     a cell stands 100,000,000 writes, so the chip lasts 33,333,333 tokens: it wears with each"
        in lines
    )


def test_with_enough_arrays_it_changes_nothing(compiled: Check, chain: Write) -> None:
    file = chain([8, 8, 8, 8], np.random.default_rng(0))
    plain, asked = (compiled(file, reload=reload, arrays=12).program for reload in (False, True))
    assert np.array_equal(plain.instructions, asked.instructions)
    assert report_of(asked).reload is None


@pytest.mark.parametrize("seed", range(8))
def test_weights_that_alone_are_too_large(seed: int, compiled: Check, chain: Write) -> None:
    """One or two arrays for weights of up to 25, in all encodings, with few bits and many, by all mappings."""
    random = np.random.default_rng(seed)
    file = chain(random.integers(2, 19, int(random.integers(3, 5))).tolist(), random)
    encoding, bits = [*ENCODINGS, "auto"][seed % 4], [8, 4, "auto"][seed % 3]
    mapping, arrays = MAPPING_NAMES[seed % len(MAPPING_NAMES)], 1 + seed % 2
    program = compiled(
        file, reload=True, arrays=arrays, encoding=encoding, weight_bits=bits, mapping=mapping, verify_each=True
    ).program
    crossbars = [int(slices_of(program)[load["array"] :][: load["n"]].sum()) for load in loads(program)]
    assert max(crossbars) <= arrays * usual_format(program.chip).slices(program.chip.cell_bits)
    verify_schedule(program)


@pytest.mark.parametrize("name", ["monarch_bmm_256x256_nb4.dyn", "blockdiag_bmm_256x256_nb4_shuffle.dyn"])
@pytest.mark.parametrize("mapping", ["spread", "densemap"])
def test_structured_weights_are_cut_between_their_blocks(
    name: str, mapping: str, compiled: Check, few_rows: Path
) -> None:
    program = compiled(MODELS / f"{name}.onnx", chip=few_rows, arrays=2, reload=True, mapping=mapping).program
    verify_schedule(program)
    assert {layer.kind for layer in report_of(program).layers} == {name.split("_")[0].replace("diag", "_diagonal")}


@pytest.fixture
def few_rows(tmp_path: Path) -> Path:
    """The chip pcm-256 with arrays of 64x64."""
    text = (CHIPS / "pcm-256.toml").read_text(encoding="utf-8")
    file = tmp_path / "few_rows.toml"
    file.write_text(text.replace("rows = 256", "rows = 64").replace("columns = 256", "columns = 64"), encoding="utf-8")
    return file


LOOP = """g (int64 trips, float[n,4] x) => (float[n,4] y) {
    [before] b = MatMul(x, w0)
    [loop] l = Loop(trips, , b) <body = body (int64 i, bool go, float[n,4] s) => (bool again, float[n,4] t) {
      [first] r = MatMul(s, w1)  q = Relu(r)  [second] t = MatMul(q, w2)  again = Identity(go)
    }>
    [after] y = MatMul(l, w3)
}"""


@pytest.mark.parametrize("engine", ENGINES)
def test_bodies_of_control_flow_find_all_that_they_need(engine: EngineName, compiled: Check, onnx_file: Write) -> None:
    random = np.random.default_rng(0)
    weights = {f"w{i}": random.normal(size=(4, 4)).astype(np.float32) for i in range(4)}
    inputs = {"trips": np.array(3), "x": random.normal(size=(2, 4)).astype(np.float32)}
    whole = compiled(onnx_file(LOOP, weights), inputs, measure=False).program
    program = compiled(onnx_file(LOOP, weights), inputs, measure=False, arrays=2, reload=True).program
    assert (len(program.controls), len(loads(program))) == (1, 3)
    verify_schedule(program)
    expected = Machine(whole, engine).run(inputs)["y"]
    np.testing.assert_array_equal(Machine(program, engine).run(inputs)["y"], expected, strict=True)
    with pytest.raises(UserError, match=r"node 'loop': what its bodies multiply by comes into the chip before it"):
        compiled(onnx_file(LOOP, weights), inputs, measure=False, arrays=1, reload=True)


def test_a_load_in_a_body_is_refused(compiled: Check, onnx_file: Write) -> None:
    """It may run again, with what is loaded after it."""
    random = np.random.default_rng(0)
    weights = {f"w{i}": random.normal(size=(4, 4)).astype(np.float32) for i in range(4)}
    inputs = {"trips": np.array(1), "x": np.ones((2, 4), np.float32)}
    program = compiled(onnx_file(LOOP, weights), inputs, measure=False, arrays=2, reload=True).program
    records = program.instructions
    load = int(np.flatnonzero(records["op"] == Opcode.LOAD)[1])
    loop = int(np.flatnonzero(records["op"] == Opcode.LOOP)[0])
    order = [*range(load), *range(load + 1, loop + 1), load, *range(loop + 1, len(records))]
    earlier = records[order]
    earlier["start"][loop - 1] = records["start"][load]
    with pytest.raises(
        ProgramError, match=rf"record {loop} loads weights in a body of control flow: expected it before"
    ):
        verify_schedule(replace(program, instructions=earlier))


def test_both_engines_with_several_formats(compiled: Check, onnx_file: Write) -> None:
    """Weights of 8, 4 and 2 bits pass through few arrays, in banks of as many crossbars as each needs."""
    random = np.random.default_rng(1)
    weights = {
        f"w{i}": random.integers(-(2 ** (b - 1)), 2 ** (b - 1), (8, 8)).astype(np.int8) for i, b in enumerate(BITS)
    }
    body = " ".join(
        f"p{i} = MatMulInteger(x{i}, w{i}) r{i} = Cast<to = 1>(p{i}) s{i}, c{i}, z{i} = DynamicQuantizeLinear(r{i})"
        f" x{i + 1} = Identity(s{i})"
        for i in range(len(BITS))
    )
    file = onnx_file(f"g (uint8[n,8] x0) => (uint8[n,8] x{len(BITS)}) {{ {body} }}", weights)
    program = compiled(file, arrays=3, reload=True).program
    assert len(program.formats) > 1
    assert len(loads(program)) > 1
    x = {"x0": random.integers(0, 256, (3, 8)).astype(np.uint8)}
    fast, reference = (Machine(program, engine).run(x) for engine in ENGINES)
    np.testing.assert_array_equal(fast[f"x{len(BITS)}"], reference[f"x{len(BITS)}"], strict=True)


@pytest.mark.parametrize(("arrays", "count"), [(6, 3), (12, 2)])
def test_loads_are_filled(arrays: int, count: int, compiled: Check, chain: Write) -> None:
    """Two weights of 9 arrays each: the second begins in what the first leaves of a load."""
    program = compiled(chain([12, 12, 12], np.random.default_rng(0)), reload=True, arrays=arrays).program
    assert len(loads(program)) == count
    verify_schedule(program)


@pytest.mark.parametrize(("arrays", "programmed"), [(1, 6), (2, 6), (3, 6), (4, 6)])
def test_a_weight_that_is_used_again_comes_again_alone(
    arrays: int, programmed: int, compiled: Check, onnx_file: Write
) -> None:
    """And not with the whole load that it came with first."""
    random = np.random.default_rng(0)
    weights = {name: random.normal(size=(4, 4)).astype(np.float32) for name in "wabcd"}
    body = "m0 = MatMul(x, w) m1 = MatMul(m0, a) m2 = MatMul(m1, b) m3 = MatMul(m2, c) m4 = MatMul(m3, d)"
    file = onnx_file(f"g (float[n,4] x) => (float[n,4] y) {{ {body} y = MatMul(m4, w) }}", weights)
    program = compiled(file, arrays=arrays, reload=True, verify_each=True).program
    assert loads(program)["n"].sum() == programmed
    verify_schedule(program)
