from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Options, compile_network
from cimc.measuring import given_inputs, measured_program
from dialects.errors import UserError

W = np.random.default_rng(0).standard_normal((4, 6), np.float32)
Write = Callable[..., Path]


@pytest.fixture
def network(onnx_file: Write) -> Path:
    return onnx_file("g (float[n,4] x) => (float[n,6] y) { y = MatMul(x, w) }", {"w": W})


def test_a_program_on_its_own_inputs_and_on_given_ones(network: Path, tmp_path: Path) -> None:
    program = compile_network(network, Options(chip="tiny-4", measure=False)).program
    made_up = measured_program(network, program, Options())
    np.savez(tmp_path / "x.npz", x=np.ones((2, 4), np.float32))
    given = measured_program(network, program, Options(calibrate=tmp_path / "x.npz"))
    assert (made_up.inputs, given.inputs) == ("", "x.npz")
    for distance in (made_up, given):
        assert distance.cosine is not None
        assert 0.99 < distance.cosine <= 1


def test_a_program_that_cannot_be_measured(network: Path, tmp_path: Path) -> None:
    program = compile_network(network, Options(chip="tiny-4", measure=False)).program
    distance = measured_program(tmp_path / "none.onnx", program, Options())
    assert distance.failure is not None
    assert str(distance).startswith("not measured: ")


def test_given_inputs_that_do_not_fit(network: Path, tmp_path: Path) -> None:
    program = compile_network(network, Options(chip="tiny-4", measure=False)).program
    np.savez(tmp_path / "x.npz", x=np.ones((2, 5), np.float32))
    with pytest.raises(UserError) as error:
        given_inputs(program.inputs, tmp_path / "x.npz")
    assert str(error.value).startswith(f"{tmp_path}/x.npz: input x")


def test_a_network_that_needs_longer_inputs_is_measured_on_such(onnx_file: Write) -> None:
    """16 elements cannot be reshaped to rows of 256; 256 can."""
    text = "g (float[n,m] x) => (float y) { r = Reshape(x, shape)  y = MatMul(r, w) }"
    w = np.random.default_rng(0).standard_normal((256, 4), np.float32)
    file = onnx_file(text, {"shape": np.array([-1, 256]), "w": w})
    distance = compile_network(file, Options(chip="tiny-4", arrays=10_000)).distance
    assert distance is not None
    assert distance.failure is None
