"""What a program says of the options that it was made with."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cimc.compiler import Options, compile_network
from cimc.options.compilation import UserOptions
from cimc.options.spelling import options_of
from cimc.program.program import Program
from cimc.recorded_options import SAID_ELSEWHERE, WITHOUT_EFFECT, recorded_options
from dialects.errors import UserError


def test_every_option_stands_there_or_has_no_effect_or_a_place_of_its_own() -> None:
    names = {"objective", "lossy", "monarch", "monarch_budget", "prune_below", "activations", "calibrate"}
    names |= {"weight_bits", "weight_group", "activation_bits", "quality_budget", "smooth"}
    assert set(recorded_options(UserOptions())) == names
    assert set(recorded_options(UserOptions(passes="quantize"))) == names | {"passes"}
    assert set(recorded_options(UserOptions(tokens=8))) == names | {"tokens"}
    assert set(recorded_options(UserOptions(reload=True))) == names | {"reload"}
    assert names | {"passes", "tokens", "reload"} | SAID_ELSEWHERE | WITHOUT_EFFECT == set(options_of(UserOptions))


def test_they_are_in_the_program_file(onnx_file: Callable[..., Path], tmp_path: Path) -> None:
    network = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = MatMul(x, w) }", {"w": np.eye(4, dtype=np.float32)})
    inputs = tmp_path / "x.npz"
    np.savez(inputs, x=np.ones((2, 4), np.float32))
    options = Options(chip="tiny-4", lossy=2, monarch="2,rank=1", calibrate=inputs, weight_bits=3, measure=False)
    compile_network(network, options).program.save(tmp_path / "p.cim")
    loaded = Program.load(tmp_path / "p.cim")
    digest = hashlib.blake2b(inputs.read_bytes(), digest_size=16).hexdigest()
    assert loaded.options == {
        "objective": "arrays",
        "lossy": 2,
        "monarch": "2,rank=1",
        "monarch_budget": UserOptions.monarch_budget,
        "prune_below": 0.0,
        "activations": "static",
        "weight_bits": 3,
        "weight_group": "column",
        "activation_bits": 8,
        "quality_budget": UserOptions.quality_budget,
        "smooth": False,
        "calibrate": {"file": "x.npz", "digest": digest},
    }


def test_inputs_that_are_gone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"x.npz: cannot be read: no such file or directory"):
        recorded_options(UserOptions(calibrate=tmp_path / "x.npz"))
