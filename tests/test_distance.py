"""The distance between the compiled network and the original, in numbers and in words."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, load_model_from_string

from cimc import distance as cimc_distance
from cimc.compiler import Options, compile_network
from cimc.distance import distance_of, distance_of_program, distance_to_original
from cimc.machine.machine import Machine
from cimc.machine.stoppable import wait_for_busy
from cimc.original import run_original
from cimc.program.distance import PROGRAM, Distance
from cimc.program.program import Program
from dialects.semantics.outlined import Later, OutlinedModel

Write = Callable[..., Path]
X = np.array([[1, 2, 2, 4]], np.float32)


def model(file: Path) -> OutlinedModel:
    return OutlinedModel(load_model_from_string(file.read_bytes()), {})


def floats(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def test_identical(onnx_file: Write) -> None:
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }")
    assert str(distance_to_original(file, model(file), {"x": X})) == "identical to the original, bit for bit"


def test_networks_that_are_too_large(onnx_file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cimc_distance, "LARGEST", 10**8)
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }")
    large = {"w": Later(np.dtype(np.int8), (3, 5 * 10**7), lambda: np.zeros(0, np.int8))}
    distance = distance_to_original(file, OutlinedModel(model(file).proto, large), {"x": X})
    assert str(distance) == (
        "not measured: the constants take 0.1 GB, 0.1 GB are compared at most: "
        "cim-run --check compares with the original"
    )


def test_the_worst_outputs_count(onnx_file: Write) -> None:
    text = "g (float[n,4] x) => (float[n,4] y, float[n,4] z) {{ y = Neg(x)  z = {}(x) }}"
    network = model(onnx_file(text.format("Sqrt"), name="network.onnx"))
    file = onnx_file(text.format("Identity"), name="original.onnx")
    distance = distance_to_original(file, network, {"x": X})
    assert distance == Distance(False, distance.cosine, 2.0, "z", "z")
    roots = np.sqrt(X)
    assert np.isclose(distance.cosine or 0, (roots * X).sum() / np.linalg.norm(roots) / np.linalg.norm(X))
    assert str(distance) == f"cosine {distance.cosine:.6f}, largest difference 2 from the original (output 'z')"


def test_each_figure_is_that_of_its_own_worst_output() -> None:
    """One output that is turned a little, and a larger one that is stretched; equal outputs hide neither."""
    expected = {"same": floats(1, 1), "turned": floats(1, 0), "stretched": floats(30, 40)}
    found = {"same": floats(1, 1), "turned": floats(1, 1), "stretched": floats(33, 44)}
    distance = distance_of(found, expected)
    assert str(distance) == (
        "cosine 0.707107 (output 'turned'), largest difference 4 from the original (output 'stretched')"
    )


def test_values_that_are_no_numbers_in_one_only() -> None:
    expected = {"y": floats(1, np.nan, np.inf, 2)}
    assert distance_of({"y": floats(1, np.nan, np.inf, 2)}, expected).identical
    distance = distance_of({"y": floats(1.5, np.nan, np.nan, 2)}, expected)
    assert (distance.largest, distance.others) == (
        0.5,
        (
            "1 of 4 values of output 'y' are infinite or NaN in one only",
            "2 of 4 values of output 'y' are infinite or NaN in the original",
        ),
    )


def test_texts_and_truths() -> None:
    texts = {"s": np.array(["a", "b"], np.object_), "t": np.array([True, False])}
    assert distance_of(dict(texts), texts).identical
    distance = distance_of({"s": np.array(["a", "c"], np.object_), "t": np.array([True, True])}, texts)
    assert str(distance) == ("largest difference 1 from the original (output 't'); 1 of 2 values of output 's' differ")


def test_numbers_that_are_no_floats_have_no_cosine() -> None:
    """Other integers in an output do not make the floats beside them better or worse, nor are they a cosine of 1."""
    integers, other = {"n": np.array([1, 2])}, {"n": np.array([1, 9])}
    assert distance_of(other, integers) == Distance(False, None, 7.0, "n", "n")
    assert distance_of({"y": X, **other}, {"y": X, **integers}) == Distance(False, 1.0, 7.0, "n", "n")


@pytest.mark.parametrize(
    ("expected", "why"),
    [
        ({}, "all outputs are empty"),
        ({"y": np.zeros((0, 4), np.float32), "n": np.zeros(0, np.int64)}, "all outputs are empty"),
        ({"y": floats(np.nan, np.inf), "z": floats()}, "no value of the outputs is finite"),
    ],
)
def test_nothing_to_compare_is_not_identical(expected: dict[str, NDArray[np.float32]], why: str) -> None:
    distance = distance_of(dict(expected), expected)
    assert not distance.identical
    assert str(distance) == f"not measured: there is nothing to compare in the original: {why}"


def test_a_number_is_something_to_compare() -> None:
    expected = {"y": floats(np.nan), "n": np.array([1])}
    distance = distance_of(dict(expected), expected)
    assert distance.identical
    assert str(distance) == (
        "identical to the original, bit for bit; 1 of 1 values of output 'y' are infinite or NaN in the original"
    )


def test_what_was_not_compared_is_said() -> None:
    """The cache of a language model that read nothing is that of the original, and its logits are none."""
    expected = {"logits": floats(), "present": floats(1, 2)}
    assert str(distance_of(dict(expected), expected)) == (
        "identical to the original, bit for bit; output 'logits' is empty"
    )
    distance = distance_of({**expected, "present": floats(1, 3)}, expected)
    assert str(distance).endswith("from the original (output 'present'); output 'logits' is empty")


def test_other_shapes(onnx_file: Write) -> None:
    network = model(onnx_file("g (float[n,4] x) => (float[4,n] y) { y = Transpose(x) }"))
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Identity(x) }")
    distance = distance_to_original(file, network, {"x": X})
    assert str(distance) == "not measured: output 'y' has shape [4, 1], the original's [1, 4]"


def test_the_original_is_taken_in_exact_form(onnx_file: Write) -> None:
    text = "g (float16[n,4] x) => (float16[n,4] y) { y = Neg(x) }"
    network = model(onnx_file(text))
    distance = distance_to_original(onnx_file(text), network, {"x": X.astype(np.float16)})
    assert str(distance) == "identical to the original, bit for bit (float16 made float32)"


def test_inputs_without_dimensions(onnx_file: Write) -> None:
    file = onnx_file("g (float x) => (float y) { y = Neg(x) }")
    assert distance_to_original(file, model(file), {"x": np.array(1, np.float32)}).identical


def test_networks_that_do_not_run(onnx_file: Write) -> None:
    file = onnx_file("g (float[n,4] x) => (float[n,3] y) { y = my.Frob(x) }", domains=', "my" : 1')
    distance = distance_to_original(file, model(file), {"x": X})
    assert str(distance).startswith("not measured: ")
    assert "\n" not in str(distance)


def test_networks_that_take_too_long(onnx_file: Write) -> None:
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Neg(x) }")
    assert str(distance_to_original(file, model(file), {"x": X}, 1e-9)) == "not measured: took longer than 1e-09 s"
    assert wait_for_busy()  # what was stopped looks up, when it begins, what the next test replaces


def large(file: Path, weight: NDArray[np.float32]) -> OutlinedModel:
    """The model in `file` with its weight `w` outside."""
    proto = load_model_from_string(file.read_bytes())
    (tensor,) = proto.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="constants")
    return OutlinedModel(proto, {"w": Later(weight.dtype, weight.shape, lambda: weight)})


@pytest.mark.parametrize(("factor", "runs"), [(1, [False, True]), (2, [False])])
def test_large_weights_are_packed_only_to_be_called_identical(
    factor: int, runs: list[bool], onnx_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An original that is identical as ONNX Runtime reads its weights is run once more as everything else runs it."""
    weight = np.random.default_rng(0).standard_normal((4, 300), np.float32)
    file = onnx_file("g (float[n,4] x) => (float[n,300] y) { y = MatMul(x, w) }", {"w": weight})
    packed: list[bool] = []

    def run(original: Path, inputs: dict[str, NDArray[np.float32]], how: bool) -> object:
        if original == file:  # work of other tests, given up by its time limit, may look up this function only now
            packed.append(how)
        return run_original(original, inputs, how)

    monkeypatch.setattr(cimc_distance, "PACKED_BYTES", weight.nbytes - 1)
    monkeypatch.setattr(cimc_distance, "run_original", run)
    distance = distance_to_original(file, large(file, factor * weight), {"x": X})
    assert (distance.identical, packed) == (factor == 1, runs)
    if factor == 2:
        assert distance.cosine == pytest.approx(1)


W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)


@pytest.fixture
def clipping(onnx_file: Write) -> tuple[Path, Program]:
    """A network, and its program that clips."""
    file = onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": W})
    return file, compile_network(file, Options(chip="tiny-4", lossy=1, measure=False)).program


def test_a_program_is_run_on_the_machine(clipping: tuple[Path, Program]) -> None:
    file, program = clipping
    distance = distance_of_program(file, program, {"x": X})
    (y,), (expected, _) = Machine(program).run({"x": X}).values(), run_original(file, {"x": X})
    assert distance.largest == np.abs(y - expected["y"].astype(np.float64)).max()
    assert (distance.ran, list(distance.clipping or {})) == (PROGRAM, [0])


def test_outputs_of_zeros_have_nothing_of_the_original() -> None:
    """What ADCs of one bit make of large sums: no direction at all, which is a cosine of 0 and not of 1."""
    assert distance_of({"y": floats(0, 0)}, {"y": floats(1, 2)}).cosine == 0


def test_programs_that_are_not_run(clipping: tuple[Path, Program], monkeypatch: pytest.MonkeyPatch) -> None:
    file, program = clipping
    assert str(distance_of_program(file, program, {"x": X}, 1e-9)) == "not measured: took longer than 1e-09 s"
    assert wait_for_busy()
    wrong = distance_of_program(file, program, {"x": X.astype(np.float64)})
    assert wrong.failure is not None
    assert "float64" in wrong.failure or "double" in wrong.failure
    monkeypatch.setattr(cimc_distance, "LARGEST", 23)
    assert str(distance_of_program(file, program, {"x": X})).startswith("not measured: the constants take 0.0 GB")
