"""Digests: equal for what gives equal figures, different for everything else."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, load_model_from_string

from cimc.compiler import Options
from cimc.sweep import identity
from cimc.sweep.identity import CHIP_PART, NO_FIGURE_DEPENDS_ON, code_digest, digest, model_digest, network_key
from dialects.errors import UserError

Write = Callable[..., Path]
W = np.random.default_rng(0).standard_normal((4, 600)).astype(np.float32)
NETWORK = "g (float[n,4] x) => (float[n,600] y) { y = MatMul(x, w) }"


def test_a_digest_depends_on_everything_and_not_on_the_order_of_keys() -> None:
    assert digest("a", {"x": 1, "y": [2]}) == digest("a", {"y": [2], "x": 1})
    assert len({digest("a", 1), digest("a", "1"), digest("a1"), digest(["a", 1]), digest("a", 1.5)}) == 5
    assert len(digest()) == 32


def test_a_model_is_known_by_its_weights(onnx_file: Write) -> None:
    first = model_digest(onnx_file(NETWORK, {"w": W}), {})
    assert model_digest(onnx_file(NETWORK, {"w": W}), {}) == first
    other = W.copy()
    other[3, 599] += 1
    assert model_digest(onnx_file(NETWORK, {"w": other}), {}) != first
    assert model_digest(onnx_file(NETWORK, {"w": W}), {"n": 3}) != first


def test_weights_in_files_of_their_own_count(onnx_file: Write, tmp_path: Path) -> None:
    """The bytes of the ONNX file are the same then."""
    file = onnx_file(NETWORK, {"w": W})
    model = load_model_from_string(file.read_bytes())
    tensor = model.graph.initializer[0]
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    file.write_bytes(model.SerializeToString())
    first, content = model_digest(file, {}), file.read_bytes()
    (tmp_path / "weights.bin").write_bytes((W + 1).tobytes())
    assert file.read_bytes() == content
    assert model_digest(file, {}) != first


def test_a_model_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.onnx: cannot be read: no such file or directory"):
        model_digest(tmp_path / "none.onnx", {})


def test_calibration_inputs_are_known_by_their_contents(tmp_path: Path) -> None:
    keys: list[str] = []
    for i, value in enumerate((1.0, 2.0, 1.0)):
        np.savez(tmp_path / f"{i}.npz", x=np.full(4, value))
        keys.append(network_key("model", Options(calibrate=tmp_path / f"{i}.npz")))
    assert keys[0] == keys[2] != keys[1]
    assert network_key("model", Options()) not in keys
    with pytest.raises(UserError, match=r"none.npz: cannot be read: no such file or directory"):
        network_key("model", Options(calibrate=tmp_path / "none.npz"))


def test_every_option_is_accounted_for() -> None:
    """An option that is neither here nor there belongs to the network part, which is safe, if slow."""
    assert NO_FIGURE_DEPENDS_ON | CHIP_PART <= {field.name for field in fields(Options)}


def test_other_code_gives_other_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = network_key("model", Options())
    assert len(code_digest()) == 32
    monkeypatch.setattr(identity, "code_digest", lambda: "other")
    assert network_key("model", Options()) != key
