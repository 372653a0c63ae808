"""The spine: what a compilation hands back, in which order, and what it leaves when it fails."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Options, compile_network, default_output
from cimc.hardware.digital_sets import read_digital_set
from cimc.machine.machine import Machine
from cimc.original import run_original
from cimc.program.distance import NETWORK, PROGRAM, Distance
from cimc.program.metadata import CHIP_SOURCES
from dialects.element_types import Array
from dialects.errors import UserError

Write = Callable[..., Path]
W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
TINY = Options(chip="tiny-4", mapping="linear")


@pytest.fixture
def network(onnx_file: Write) -> Path:
    return onnx_file("g (float[n,4] x) => (float[n,6] y) { [product] y = MatMul(x, w) }", {"w": W})


def test_a_compilation(network: Path) -> None:
    steps: list[str] = []
    compilation = compile_network(network, replace(TINY, texts=True), steps.append)
    assert [step for step in steps if step in ("import", "quantize", "schedule-arrays", "emission")] == [
        "import",
        "quantize",
        "schedule-arrays",
        "emission",
    ]
    names = [statistics.name for statistics in compilation.statistics]
    assert [name for name in steps if name in names] == names
    assert compilation.seconds > 0
    assert compilation.distance is not None
    assert "cim.matmul" in compilation.texts["cim"]
    assert "array.stage" in compilation.texts["array"]
    assert compilation.program.source.file == "network.onnx"
    assert compilation.program.multiplications[0].node == "product"


def test_equal_compilations_give_equal_files(network: Path, tmp_path: Path) -> None:
    for name in ("a.cim", "b.cim"):
        compile_network(network, TINY).program.save(tmp_path / name)
    assert (tmp_path / "a.cim").read_bytes() == (tmp_path / "b.cim").read_bytes()


def test_without_measuring(network: Path) -> None:
    compilation = compile_network(network, replace(TINY, measure=False))
    assert (compilation.distance, compilation.program.measured) == (None, None)


def test_what_cannot_clip_is_measured_by_its_network(network: Path) -> None:
    compilation = compile_network(network, TINY)
    assert compilation.distance is not None
    assert compilation.program.measured == compilation.distance
    assert (compilation.distance.ran, compilation.distance.clipping) == (NETWORK, None)
    assert compilation.distance.inputs == ""


@pytest.mark.parametrize("lossy", [1, 3])
def test_what_may_clip_is_run_itself(network: Path, tmp_path: Path, lossy: int) -> None:
    """The figures are those of what the program gives, not of the network that it was to compute."""
    inputs = {"x": np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)}
    np.savez(tmp_path / "x.npz", x=inputs["x"])
    options = replace(TINY, calibrate=tmp_path / "x.npz")
    compilation = compile_network(network, replace(options, lossy=lossy))
    machine, ideal = Machine(compilation.program), compile_network(network, options).distance
    outputs, (expected, _) = machine.run(inputs)["y"].astype(np.float64), run_original(network, inputs)
    distance, y = compilation.distance, expected["y"].astype(np.float64)
    assert distance is not None
    assert ideal is not None
    assert distance.cosine == pytest.approx((outputs * y).sum() / np.linalg.norm(outputs) / np.linalg.norm(y))
    assert distance.largest == np.abs(outputs - y).max() > 10 * ideal.largest
    assert (distance.ran, distance.inputs) == (PROGRAM, "x.npz")
    assert distance.clipped == (sum(machine.clipped.values()), sum(machine.conversions.values()))
    assert sum(machine.clipped.values()) > 0
    assert compilation.program.measured == distance


def test_bits_that_are_enough_cannot_clip(network: Path) -> None:
    """With as many bits as its sums need, a program is its network, whatever it is called."""
    lossy, lossless = (compile_network(network, replace(TINY, lossy=bits)).distance for bits in (4, 0))
    assert lossy is not None
    assert lossy.clipped is not None
    assert lossy.clipped[0] == 0
    assert replace(lossy, ran=NETWORK, clipping=None) == lossless


@pytest.mark.parametrize(("failure", "lengths"), [("", [0]), ("runs with some only", [0, 16])])
def test_made_up_caches_are_empty(
    onnx_file: Write, monkeypatch: pytest.MonkeyPatch, failure: str, lengths: list[int]
) -> None:
    """Where the distance is measured: random keys are no text. If a network cannot run that way, as elsewhere."""
    file = onnx_file(
        "g (float[n,4] x, float[n,past,6] past_0) => (float[n,6] y, float[n,all,6] present_0)"
        " { y = MatMul(x, w)  h = Unsqueeze(y, one)  present_0 = Concat<axis = 1>(past_0, h) }",
        {"w": W, "one": np.array([1])},
    )
    seen: list[int] = []

    def distance(file: Path, model: object, inputs: Mapping[str, Array], seconds: float) -> Distance:
        seen.append(inputs["past_0"].shape[1])
        return Distance(not failure, failure=failure)

    monkeypatch.setattr("cimc.measuring.distance_to_original", distance)
    compilation = compile_network(file, TINY)
    assert compilation.distance == Distance(not failure, failure=failure)
    assert seen == lengths


def test_a_failure_leaves_no_reference(onnx_file: Write, tmp_path: Path) -> None:
    """Only the IR up to there, which is to be looked at then."""
    file = onnx_file(
        "g (float[n,4] x) => (float[n,6] y) { h = MatMul(x, w)  [odd] y = my.Frob(h) }", {"w": W}, domains=', "my" : 1'
    )
    options = replace(TINY, reference=tmp_path / "r.onnx", keep_ir=tmp_path / "ir")
    with pytest.raises(UserError) as error:
        compile_network(file, options)
    assert str(error.value).startswith(f"{file}: node 'odd': operator Frob of domain my cannot run: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ir", "network.onnx"]
    assert (tmp_path / "ir" / "10-schedule-arrays.mlir").exists()


def test_values_of_unknown_type_do_not_travel(onnx_file: Write) -> None:
    """A sequence that is made before a stage and used after it."""
    file = onnx_file(
        """g (float[n,6] x) => (float[n,12] y) {
            [pieces] s = SplitToSequence<axis=1>(x)  h = MatMul(x, w)  t = SequenceInsert(s, h)
            y = ConcatFromSequence<axis=1>(t)
        }""",
        {"w": W.T.copy() @ W},
    )
    with pytest.raises(UserError, match=r"node 'pieces': the type of its output s is .* cannot travel between stages"):
        compile_network(file, TINY)


def test_verification_of_a_network_that_does_not_run(onnx_file: Write) -> None:
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = my.Frob(x) }", domains=', "my" : 1')
    with pytest.raises(UserError, match=r"--verify-each: the imported network does not run: "):
        compile_network(file, replace(TINY, verify_each=True))


@pytest.mark.parametrize(("file", "program"), [("a/b.onnx", "b.cim"), ("b.c.onnx", "b.c.cim"), ("b", "b.cim")])
def test_default_output(file: str, program: str) -> None:
    assert default_output(Path(file)) == Path(program)


def test_no_default_output() -> None:
    with pytest.raises(UserError, match="not the name of a file"):
        default_output(Path("/"))


def test_ir_keeps_its_chip_and_its_sources_with_another_set_of_digital_constants(
    onnx_file: Callable[..., Path], tmp_path: Path
) -> None:
    weight = np.eye(4, dtype=np.float32)
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = MatMul(x, w) }", {"w": weight})
    compile_network(file, replace(TINY, keep_ir=tmp_path / "ir"))
    program = compile_network(tmp_path / "ir" / "00-import.mlir", Options(digital="published")).program
    sources = program.notes[CHIP_SOURCES]
    assert isinstance(sources, dict)
    assert (program.chip.name, program.chip.to_json()["digital_set"]) == ("tiny-4", "published")
    assert program.chip.to_json()["vector_pj"] == 109
    assert sources["cell_um2"] == "invented"
    assert sources["vector_pj"] == read_digital_set("published").sources["vector_pj"]
