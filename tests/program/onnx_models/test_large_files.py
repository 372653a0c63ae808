"""Files read field by field: the same models, but for large weights, which are mapped from where they stand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto, helper, numpy_helper

import cimc.onnx_import.data_files
from cimc.compiler import Options, compile_network
from cimc.machine.model_files import verify_model_file
from cimc.onnx_import.data_files import data_files
from cimc.onnx_import.reader import read
from cimc.onnx_import.tensors import array_of
from cimc.program.onnx_models import large_files
from cimc.program.onnx_models.large_files import in_file, parsed
from dialects.errors import UserError

W = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
NETWORK = """g (float[n,64] x, bool c) => (float[n,64] y) {
    h = MatMul(x, w)
    b = Add(h, v)
    y = If (c) <then_branch = t () => (float[n,64] p) { p = Relu(b) },
                else_branch = e () => (float[n,64] q) { q = Neg(b) }>
}"""


@pytest.fixture(autouse=True)
def every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_files, "LARGE_FILE", 0)
    monkeypatch.setattr(cimc.onnx_import.data_files, "LARGE_FILE", 0)


@pytest.fixture
def network(onnx_file: Callable[..., Path]) -> Path:
    """One weight of 16 KiB, one of 256 bytes, bodies of control flow."""
    return onnx_file(NETWORK, {"w": W, "v": W[0]})


def written(path: Path, *tensors: TensorProto) -> Path:
    graph = helper.make_graph([], "g", [], [], list(tensors), doc_string="text")
    path.write_bytes(helper.make_model(graph, producer_name="someone").SerializeToString())
    return path


def with_its_weights(model: ModelProto, file: Path) -> bytes:
    """The model with its weights inside again, as bytes."""
    for tensor in in_file(model, file):
        tensor.CopyFrom(numpy_helper.from_array(array_of(tensor, file), tensor.name))
    return model.SerializeToString(deterministic=True)


def test_only_large_weights_stay_in_the_file(network: Path) -> None:
    model = parsed(network)
    assert [tensor.name for tensor in in_file(model, network)] == ["w"]
    assert not model.graph.initializer[0].raw_data
    whole = onnx.load_model_from_string(network.read_bytes())
    assert with_its_weights(model, network) == whole.SerializeToString(deterministic=True)


def test_a_program_is_the_same(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs: list[bytes] = []
    for size in (0, 1 << 20):
        monkeypatch.setattr(large_files, "LARGE_FILE", size)
        result = compile_network(network, Options(chip="tiny-4", reference=tmp_path / f"{size}.onnx"))
        result.program.save(tmp_path / "p.cim")
        programs.append((tmp_path / "p.cim").read_bytes() + (tmp_path / f"{size}.onnx").read_bytes())
        assert result.distance is not None
        assert result.distance.failure is None
    assert programs[0] == programs[1]


def test_a_file_is_no_data_beside_itself(network: Path) -> None:
    assert not verify_model_file(network)
    assert not data_files(network)


@pytest.mark.parametrize("type_", [TensorProto.INT4, TensorProto.BFLOAT16, TensorProto.STRING, 99])
def test_weights_of_other_types_are_read(type_: int, tmp_path: Path) -> None:
    raw = bytes(5000) if type_ in (TensorProto.INT4, 99) else bytes(20000)
    tensor = TensorProto(name="w", data_type=type_, dims=[10000], raw_data=raw)
    file = written(tmp_path / "m.onnx", tensor)
    assert parsed(file).graph.initializer[0].raw_data == raw
    assert not in_file(parsed(file), file)


def test_bytes_that_do_not_fit_the_shape_are_said_as_ever(tmp_path: Path) -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], raw_data=bytes(8192))
    value = helper.make_tensor_value_info("w", TensorProto.FLOAT, [3])
    graph = helper.make_graph([helper.make_node("Neg", ["w"], ["y"])], "g", [], [value], [tensor])
    graph.output[0].name = "y"
    file = tmp_path / "m.onnx"
    file.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]).SerializeToString())
    with pytest.raises(UserError, match="initializer 'w' is damaged"):
        read(file, {})


@pytest.mark.parametrize("length", [1, 40, 700, -300, -1])
def test_truncated_files(length: int, network: Path) -> None:
    network.write_bytes(network.read_bytes()[:length])
    with pytest.raises(UserError, match="not an ONNX file, or a truncated one: expected a serialized ModelProto"):
        read(network, {})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x3b", "a field of wire type 3"),
        (b"\x3a\x05\x00", "a field of 5 bytes ends after the 1 that there are"),
        (b"\x08" + b"\xff" * 20, "a number without end"),
        (b"\x08", "a number without end"),
    ],
)
def test_what_is_no_message(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(content)
    with pytest.raises(DecodeError, match=message):
        parsed(file)


def test_fixed_numbers_and_unknown_fields_are_kept(tmp_path: Path) -> None:
    unknown = bytes([15 << 3 | 5, 1, 2, 3, 4]) + bytes([15 << 3 | 1, *range(8)])
    file = written(tmp_path / "m.onnx")
    file.write_bytes(file.read_bytes() + unknown)
    assert parsed(file).SerializeToString(deterministic=True) == onnx.load_model_from_string(
        file.read_bytes()
    ).SerializeToString(deterministic=True)
