"""Compiling from Python: networks in every form, calibration inputs in every form, options checked as commands do."""

from collections.abc import Callable, Iterator
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

import cimc
from cimc.options.compilation import UserOptions
from cimc.options.spelling import options_of

Write = Callable[..., Path]
W = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
ANY: Any = cimc.compile
"""For what a type checker would refuse."""


@pytest.fixture
def network(onnx_file: Write) -> Path:
    return onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": W})


def samples(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((count, 4)).astype(np.float32)


def test_from_a_network_to_a_checked_answer(network: Path, tmp_path: Path) -> None:
    program = cimc.compile(network, chip="tiny-4", mapping="linear", reference=tmp_path / "r.onnx", arrays=2)
    program.save(tmp_path / "p.cim")
    inputs = {"x": samples(3)}
    for own in (program, cimc.Program.load(tmp_path / "p.cim")):
        assert own.check(tmp_path / "r.onnx", inputs)
        assert own.check(tmp_path / "r.onnx", inputs, engine="reference")
        assert own.report().arrays == 2


def test_networks_in_memory(network: Path, tmp_path: Path) -> None:
    """The program is that of the file, but for its name."""
    reference = tmp_path / "r.onnx"
    expected = cimc.compile(network)
    for model in (str(network), network.read_bytes(), onnx.load_model_from_string(network.read_bytes())):
        program = cimc.compile(model, reference=reference)
        assert np.array_equal(program.instructions, expected.instructions)
        assert program.source.file == ("network.onnx" if isinstance(model, str) else "model.onnx")
        assert program.check(reference, {"x": samples(2)})
        assert program.check(model, {"x": samples(2)}).difference
        assert (program.accuracy({"x": samples(2)}).cosine or 0) > 0.99


def test_mistakes_in_networks_name_what_was_given(tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"no network")
    for model, name in ((tmp_path / "no.onnx", f"{tmp_path / 'no.onnx'}"), (b"no network", "bytes")):
        with pytest.raises(cimc.UserError, match=rf"^{name}: not an ONNX file, or a truncated one"):
            cimc.compile(model)
    with pytest.raises(cimc.UserError, match=r"^ModelProto: not an ONNX file: it has no operator set"):
        cimc.compile(onnx.ModelProto())


def test_all_options(network: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.ones((2, 4), np.float32))
    program = cimc.compile(
        str(network),
        chip="tiny-4",
        dims={"n": 2},
        activations="static",
        calibrate=tmp_path / "x.npz",
        keep_ir=tmp_path / "ir",
        verify_each=True,
    )
    assert program.inputs[0].shape == (2, 4)
    assert (tmp_path / "ir" / "00-import.mlir").exists()


def test_calibration_inputs_in_memory(network: Path, tmp_path: Path) -> None:
    """They make the program that a file with the same numbers makes."""
    x = samples(6)
    np.savez(tmp_path / "x.npz", x=x)
    expected = cimc.compile(network, calibrate=tmp_path / "x.npz")

    def batches() -> Iterator[dict[str, NDArray[np.float32]]]:
        yield {"x": x[:1]}
        yield {"x": x[1:]}

    for calibrate in (x, {"x": x}, [{"x": x[:4]}, {"x": x[4:]}], batches(), [x[:2], x[2:]]):
        program = cimc.compile(network, calibrate=calibrate)
        assert [k.model for k in program.kernels] == [k.model for k in expected.kernels]
        for own, constant in zip(program.constants, expected.constants, strict=True):
            np.testing.assert_array_equal(own, constant)
        assert len(program.ir) == len(expected.ir)  # a generator is not asked again


def test_options_are_checked(network: Path) -> None:
    with pytest.raises(cimc.UserError, match=r"^mapping='square' is unknown: expected one of spread, densemap"):
        ANY(network, mapping="square")
    with pytest.raises(cimc.UserError, match=r"^unknown chip 'wrong': expected one of"):
        cimc.compile(network, chip="wrong")


def test_parameters_are_the_options() -> None:
    parameters = signature(cimc.compile).parameters
    model, *options = parameters.values()
    assert (model.name, model.kind) == ("model", Parameter.POSITIONAL_OR_KEYWORD)
    assert {option.name: option.default for option in options} == {**vars(UserOptions()), "measure": False}
    assert {option.kind for option in options} == {Parameter.KEYWORD_ONLY}
    assert get_type_hints(cimc.compile)["return"] is cimc.Program
    with pytest.raises(TypeError, match="unexpected keyword argument 'texts'"):
        ANY("x.onnx", texts=True)


def test_every_parameter_is_described() -> None:
    lines = (cimc.compile.__doc__ or "").splitlines()
    described = [line.strip().partition(":")[0] for line in lines if line.startswith(" " * 8) and line[8:9].strip()]
    assert described == [*signature(cimc.compile).parameters, "UserError"]
    for name, spelling in options_of(UserOptions).items():
        for choice in spelling.choices or ():
            assert f'"{choice}"' in (cimc.compile.__doc__ or ""), name
