"""Networks in memory become files for as long as they are needed; messages name what was given."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import external_data_helper

import cimc
from cimc.api.models import model_file

Write = Callable[..., Path]


def test_a_path_is_itself(tmp_path: Path) -> None:
    for model in (tmp_path / "m.onnx", str(tmp_path / "m.onnx")):
        with model_file(model) as file:
            assert file == tmp_path / "m.onnx"


def test_a_network_in_memory_is_a_file_for_a_while(onnx_file: Write) -> None:
    content = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Relu(x) }").read_bytes()
    for model in (content, onnx.load_model_from_string(content)):
        with model_file(model) as file:
            assert onnx.load_model_from_string(file.read_bytes()) == onnx.load_model_from_string(content)
        assert not file.parent.exists()


@pytest.mark.parametrize("error", [cimc.UserError, cimc.ProgramError])
def test_messages_name_what_was_given(error: type[cimc.Error]) -> None:
    def fails() -> None:
        with model_file(b"") as file:
            raise error(f"{file}: is empty")

    with pytest.raises(error, match=r"^bytes: is empty$"):
        fails()


class FromTorch:
    """A module as torch has them."""


FromTorch.__module__ = "torch.nn"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (3, r"model is of type int: expected a path, the bytes of an ONNX file or an onnx.ModelProto$"),
        (FromTorch(), r"model is of type FromTorch: expected .*; torch.onnx.export makes one of it$"),
    ],
)
def test_other_things(model: Any, message: str) -> None:
    with pytest.raises(cimc.UserError, match=message), model_file(model):
        pass


def test_weights_elsewhere(onnx_file: Write, tmp_path: Path) -> None:
    file = onnx_file("g (float[n,4] x) => (float[n,4] y) { y = Add(x, w) }", {"w": np.ones(4, np.float32)})
    model = onnx.load_model_from_string(file.read_bytes())
    external_data_helper.set_external_data(model.graph.initializer[0], "w.bin")
    with pytest.raises(cimc.UserError, match=r"^ModelProto: the weight 'w' lies in a file of its own: give the path"):
        cimc.compile(model)


def test_larger_than_protobuf_can_write(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(model: object) -> bytes:
        raise ValueError("exceeds maximum protobuf size of 2GB")

    monkeypatch.setattr("cimc.api.models.serialized", refuse)
    with pytest.raises(cimc.UserError, match=r"^ModelProto: it is larger than the 2 GB that protobuf can write"):
        cimc.compile(onnx.ModelProto())
